// Which fields a map of a manifest may have, read off the schema, to name the
// nearest one to a misspelt field.
import { z } from "zod";

/** Names of the fields at a path; empty where any key may stand. */
export function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: z.core.$ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrap(Reflect.get(at.shape, step));
    else if (at instanceof z.ZodArray) at = unwrap(at.element);
    else if (at instanceof z.ZodRecord) at = unwrap(at.valueType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** What defaults and options wrap. */
function unwrap(schema: unknown): z.core.$ZodType | undefined {
  let at = schema;
  while (at instanceof z.ZodDefault || at instanceof z.ZodOptional || at instanceof z.ZodPrefault)
    at = at.unwrap();
  return at instanceof z.ZodType ? at : undefined;
}
