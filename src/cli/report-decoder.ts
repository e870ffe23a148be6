// Replies of the kernel as their types. A node of another version may send
// something else: what a command relies on is checked before it is shown.
import { CellError } from "../errors/cell-error.ts";

export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Throws CLI_REPLY_UNEXPECTED unless all of the fields are there. */
export function objectWith<T extends object>(value: unknown, fields: readonly (keyof T & string)[]): T {
  const missing = fields.find((name) => field(value, name) === undefined);
  if (typeof value !== "object" || value === null || missing !== undefined) {
    throw new CellError("CLI_REPLY_UNEXPECTED", `the reply lacks "${missing ?? "everything"}"`);
  }
  return value as T;
}

export function arrayOf<T extends object>(
  value: unknown,
  fields: readonly (keyof T & string)[],
): readonly T[] {
  if (!Array.isArray(value)) throw new CellError("CLI_REPLY_UNEXPECTED", "the reply is not a list");
  return value.map((item) => objectWith<T>(item, fields));
}
