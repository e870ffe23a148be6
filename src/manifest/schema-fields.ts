// Which fields a map of a manifest may have, read off the schema, to name the
// nearest one to a misspelt field.
import { z } from "zod";

/** Names of the fields at a path; empty where any key may stand. */
export function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at = alternatives(schema);
  for (const step of path) at = at.flatMap((each) => alternatives(below(each, step)));
  return [...new Set(at.flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : [])))];
}

function below(schema: z.core.$ZodType, step: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return Reflect.get(schema.shape, step);
  if (schema instanceof z.ZodArray) return typeof step === "number" ? schema.element : undefined;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** What defaults, options and alternatives wrap. */
function alternatives(schema: unknown): z.core.$ZodType[] {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return alternatives(schema.unwrap());
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(alternatives);
  return schema instanceof z.ZodType ? [schema] : [];
}
