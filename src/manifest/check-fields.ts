// Checks one map of a manifest by its schema. When some of its fields do not
// fit, the others are still handed on, so that the rules over them apply.
import type { z } from "zod";
import { fieldProblems } from "./field-problems.ts";
import type { Problem } from "./problem.ts";
import { fieldsAt } from "./schema-fields.ts";
import type { NodePath, YamlDocument } from "./yaml-document.ts";

export type CheckedFields<T> = {
  /** Undefined when there are problems. */
  readonly whole: T | undefined;
  /** Every field that fits, defaults filled in. */
  readonly found: Partial<T>;
  readonly problems: readonly Problem[];
};

/**
 * @param described the schema that names all fields, where `schema` leaves what lies deeper unchecked
 * @param path where the map stands in the document
 */
export function checkFields<T extends z.ZodObject>(
  document: YamlDocument,
  schema: T,
  described: z.ZodType,
  value: unknown,
  path: NodePath,
): CheckedFields<z.output<T>> {
  const checked = schema.safeParse(value);
  if (checked.success) return { whole: checked.data, found: checked.data, problems: [] };
  const fields = (at: NodePath) => fieldsAt(described, at);
  const problems = fieldProblems(document, path, checked.error.issues, fields);
  return { whole: undefined, found: fittingFields(schema, value), problems };
}

function fittingFields<T extends z.ZodObject>(schema: T, value: unknown): Partial<z.output<T>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const fitting = Object.entries(schema.shape).flatMap(([field, fieldSchema]) => {
    const checked = (fieldSchema as z.ZodType).safeParse(Reflect.get(value, field));
    return checked.success && checked.data !== undefined ? [[field, checked.data] as const] : [];
  });
  return Object.fromEntries(fitting) as Partial<z.output<T>>;
}
