// Constraints on parts of a JSON payload: a closed list, on which it is decidable whether one
// holds whenever another does. Whatever is not plainly so counts as wider.

/** A scalar as JSON has it. */
export type Scalar = string | number | boolean | null;

export type Rule =
  | { readonly kind: "equals"; readonly value: Scalar }
  | { readonly kind: "oneOf"; readonly values: readonly Scalar[] }
  | { readonly kind: "prefix"; readonly prefix: string }
  /** Both included; undefined: no bound on that side. */
  | { readonly kind: "range"; readonly least: number | undefined; readonly most: number | undefined }
  /** Of an array: every element is one of these. */
  | { readonly kind: "subset"; readonly values: readonly Scalar[] }
  /** UTF-16 units of a string, elements of an array. */
  | { readonly kind: "maxLength"; readonly length: number };

export type Constraint = {
  /** JSON Pointer (RFC 6901). */
  readonly path: string;
  readonly rule: Rule;
};

export const MAX_VALUES = 64;
export const MAX_POINTER_LENGTH = 256;
const MAX_POINTER_TOKENS = 8;
/** Of an array on which a subset is asked for; a longer one does not meet it. */
const MAX_ELEMENTS = 1024;
/** Of a value, or a prefix. */
export const MAX_VALUE_LENGTH = 1024;
const POINTER = /^(?:\/(?:[^~/\p{Cc}]|~[01])*)*$/u;
/** A name that an object has by itself. */
const NO_NAME = "__proto__";
const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

export function isPointer(path: string): boolean {
  if (path.length > MAX_POINTER_LENGTH || !POINTER.test(path)) return false;
  const tokens = path.split("/").slice(1);
  return tokens.length <= MAX_POINTER_TOKENS && !tokens.includes(NO_NAME);
}

/** Whether a payload meets it; where the part is missing, it does not. */
export function holds({ path, rule }: Constraint, payload: unknown): boolean {
  const part = partAt(payload, path);
  return part !== undefined && ruleHolds(rule, part);
}

/** Whether whatever meets `inner` meets `outer`. */
export function implies(inner: Constraint, outer: Constraint): boolean {
  return inner.path === outer.path && ruleImplies(inner.rule, outer.rule);
}

function ruleImplies(inner: Rule, outer: Rule): boolean {
  switch (inner.kind) {
    case "equals":
      return ruleHolds(outer, inner.value);
    case "oneOf":
      return inner.values.every((value) => ruleHolds(outer, value));
    case "prefix":
      return outer.kind === "prefix" && inner.prefix.startsWith(outer.prefix);
    case "range":
      return (
        outer.kind === "range" && isAtLeast(inner.least, outer.least) && isAtMost(inner.most, outer.most)
      );
    case "subset":
      return outer.kind === "subset" && inner.values.every((value) => outer.values.includes(value));
    case "maxLength":
      return outer.kind === "maxLength" && inner.length <= outer.length;
  }
}

function ruleHolds(rule: Rule, value: unknown): boolean {
  switch (rule.kind) {
    case "equals":
      return value === rule.value && (typeof value !== "number" || isExact(value));
    case "oneOf":
      return rule.values.some((allowed) => allowed === value);
    case "prefix":
      return typeof value === "string" && value.startsWith(rule.prefix);
    case "range":
      return (
        isExact(value) &&
        (rule.least === undefined || value >= rule.least) &&
        (rule.most === undefined || value <= rule.most)
      );
    case "subset":
      return (
        Array.isArray(value) && value.length <= MAX_ELEMENTS && isSubset(value, new Set<unknown>(rule.values))
      );
    case "maxLength":
      return (typeof value === "string" || Array.isArray(value)) && value.length <= rule.length;
  }
}

const isSubset = (list: readonly unknown[], allowed: ReadonlySet<unknown>): boolean =>
  list.every((element) => allowed.has(element));

/** A number that every reader of the JSON takes for the same. */
export const isExact = (value: unknown): value is number =>
  typeof value === "number" &&
  Number.isFinite(value) &&
  (!Number.isInteger(value) || Number.isSafeInteger(value));

/** A bound that is not there is wider than any. */
const isAtLeast = (inner: number | undefined, outer: number | undefined): boolean =>
  outer === undefined || (inner !== undefined && inner >= outer);
const isAtMost = (inner: number | undefined, outer: number | undefined): boolean =>
  outer === undefined || (inner !== undefined && inner <= outer);

function partAt(payload: unknown, path: string): unknown {
  let part = payload;
  for (const token of path.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(part)) part = INDEX.test(name) ? part[Number(name)] : undefined;
    else if (typeof part === "object" && part !== null && Object.hasOwn(part, name))
      part = Reflect.get(part, name);
    else return undefined;
  }
  return part;
}
