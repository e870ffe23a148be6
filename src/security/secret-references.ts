// `{ $secret: NAME }` anywhere in an actor's input stands for the secret's
// value. Only an object of exactly that one key is a reference; `$secret` beside
// other keys is refused rather than passed on as data.
import { CellError } from "../errors/cell-error.ts";

const KEY = "$secret";
const MAX_DEPTH = 64;

/** Names that an input refers to, in order of first mention. */
export function secretNames(input: unknown): readonly string[] {
  const names = new Set<string>();
  visit(input, 0, (name) => {
    names.add(name);
    return name;
  });
  return [...names];
}

/** The input with every reference replaced. Throws what `read` throws, e.g. CELL_SECRET_UNKNOWN. */
export async function resolveSecrets(
  input: unknown,
  read: (name: string) => Promise<string>,
): Promise<unknown> {
  const values = new Map<string, string>();
  for (const name of secretNames(input)) values.set(name, await read(name));
  return visit(input, 0, (name) => values.get(name));
}

/** A copy of an input that holds no references; undefined: it holds some. */
export function withoutSecrets(input: unknown): { readonly value: unknown } | undefined {
  return secretNames(input).length === 0 ? { value: visit(input, 0, () => undefined) } : undefined;
}

function visit(value: unknown, depth: number, replace: (name: string) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new RangeError(`an input is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value.map((item) => visit(item, depth + 1, replace));
  const entries = Object.entries(value);
  if (Object.hasOwn(value, KEY)) {
    const name = entries[0]?.[1];
    if (entries.length !== 1 || typeof name !== "string") {
      throw new CellError(
        "CELL_SECRET_NAME_INVALID",
        "a reference to a secret is { $secret: NAME } and nothing else",
      );
    }
    return replace(name);
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, visit(item, depth + 1, replace)]));
}
