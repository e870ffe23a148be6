// Copies a value as plain JSON, or says where it is not: what JSON.stringify
// would drop or change in silence is an error here.

const MAX_DEPTH = 200;

export class NotJsonError extends TypeError {
  override readonly name = "NotJsonError";
}

/**
 * A deep copy. An Error becomes `{ name, message }`; undefined members are left out.
 * @throws NotJsonError naming the path
 */
export function copyAsJson(value: unknown, path = "", depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new NotJsonError(`${path} is nested too deeply, or holds itself`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) {
        return value.map((item, index) =>
          item === undefined ? null : copyAsJson(item, `${path}[${index}]`, depth + 1),
        );
      }
      if (value instanceof Error) return { name: value.name, message: value.message };
      if (isPlainObject(value)) return copyMembers(value, path, depth);
  }
  throw new NotJsonError(`${path || "the value"} is ${kindOf(value)}, which JSON does not hold`);
}

function copyMembers(value: object, path: string, depth: number): object {
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) copy[key] = copyAsJson(member, path === "" ? key : `${path}.${key}`, depth + 1);
  }
  return copy;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return typeof value === "number" ? String(value) : `a ${typeof value}`;
  return `a ${value.constructor?.name ?? "object"}`;
}
