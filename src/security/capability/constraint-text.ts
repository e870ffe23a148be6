// Constraints as people write and read them: `/amount <= 10`, `/state in open,closed`. A value is
// JSON; what is not JSON is the text itself, so that few words need quotes.
import { type Constraint, isExact, isPointer, type Rule, type Scalar } from "./constraint.ts";
import type { Permission } from "./permission.ts";

const MAX_TEXT_LENGTH = 4 * 1024;
/** The whole payload, in place of a JSON Pointer. */
const WHOLE = "payload";
const FORM =
  /^(?<path>payload|\/[^\s=<>^!]*|"(?:[^"\\]|\\.)*")\s*(?<operator>\^=|>=|<=|=|(?<=\s)(?:in|within)(?=\s)|(?<=\s)length\s*<=)\s*(?<rest>\S.*)$/su;

/** How constraints are written, for help and errors. */
export const CONSTRAINT_FORMS =
  "/PART = VALUE, /PART in A,B, /PART ^= START, /PART >= N, /PART <= N, /PART within A,B, /PART length <= N";

/** Undefined: it is none of the forms. */
export function parseConstraint(text: string): Constraint | undefined {
  const found = text.length > MAX_TEXT_LENGTH ? undefined : FORM.exec(text.trim())?.groups;
  if (found === undefined) return undefined;
  const { path = "", operator = "", rest = "" } = found;
  const pointer = path === WHOLE ? "" : pointerOf(path);
  const rule = isPointer(pointer) ? ruleOf(operator.replace(/\s/g, ""), rest) : undefined;
  return rule && { path: pointer, rule };
}

export function formatConstraint({ path, rule }: Constraint): string {
  const shown = /^[^\s=<>^!"]*$/.test(path) ? path : JSON.stringify(path);
  return `${path === "" ? WHOLE : shown} ${formatRule(rule)}`;
}

/** A path with spaces or operators in it stands in quotes, as JSON has them. */
function pointerOf(path: string): string {
  if (!path.startsWith('"')) return path;
  const value = scalarOf(path);
  return typeof value === "string" ? value : path;
}

function ruleOf(operator: string, rest: string): Rule | undefined {
  switch (operator) {
    case "=": {
      const value = scalarOf(rest);
      return value === undefined ? undefined : { kind: "equals", value };
    }
    case "^=": {
      const prefix = scalarOf(rest);
      if (prefix === undefined) return undefined;
      return { kind: "prefix", prefix: typeof prefix === "string" ? prefix : rest };
    }
    case ">=":
    case "<=": {
      const bound = scalarOf(rest);
      if (typeof bound !== "number") return undefined;
      const [least, most] = operator === ">=" ? [bound, undefined] : [undefined, bound];
      return { kind: "range", least, most };
    }
    case "in":
    case "within": {
      const values = valuesOf(rest);
      return values && { kind: operator === "in" ? "oneOf" : "subset", values };
    }
    case "length<=": {
      const length = scalarOf(rest);
      return isLength(length) ? { kind: "maxLength", length } : undefined;
    }
    default:
      return undefined;
  }
}

function formatRule(rule: Rule): string {
  const list = (values: readonly Scalar[]) => values.map((value) => JSON.stringify(value)).join(",");
  switch (rule.kind) {
    case "equals":
      return `= ${JSON.stringify(rule.value)}`;
    case "oneOf":
      return `in ${list(rule.values)}`;
    case "subset":
      return `within ${list(rule.values)}`;
    case "prefix":
      return `^= ${JSON.stringify(rule.prefix)}`;
    case "maxLength":
      return `length <= ${rule.length}`;
    case "range": {
      const bounds = [
        ...(rule.least === undefined ? [] : [`>= ${rule.least}`]),
        ...(rule.most === undefined ? [] : [`<= ${rule.most}`]),
      ];
      return bounds.length === 0 ? "is a number" : bounds.join(" and ");
    }
  }
}

/** JSON of a scalar, or the text itself. Undefined: JSON of something else, or a number that not every reader takes for the same. */
function scalarOf(text: string): Scalar | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What begins like JSON, or like an operator, is a slip of the pen.
    return /^["[{=<>~!^]/.test(text) || !text.isWellFormed() ? undefined : text.trim();
  }
  return isScalar(value) ? value : undefined;
}

const isScalar = (value: unknown): value is Scalar =>
  value === null ||
  typeof value === "boolean" ||
  (typeof value === "string" && value.isWellFormed()) ||
  isExact(value);

/** Permissions with their conditions as text, for people, for JSON and to ask for others like them. */
export const permissionsAsText = (permissions: readonly Permission[]) =>
  permissions.map(({ intents, targets, constraints }) => ({
    intents,
    targets,
    where: constraints.map(formatConstraint),
  }));

/** `a,b`, or the inside of a JSON array, or one. */
function valuesOf(text: string): readonly Scalar[] | undefined {
  for (const json of [text, `[${text}]`]) {
    try {
      const parsed: unknown = JSON.parse(json);
      if (Array.isArray(parsed)) return parsed.every(isScalar) ? parsed : undefined;
    } catch {}
  }
  return scalarsOf(text.split(","));
}

function scalarsOf(texts: readonly string[]): readonly Scalar[] | undefined {
  const values = texts.map((each) => (each.trim() === "" ? undefined : scalarOf(each)));
  return values.every((value) => value !== undefined) ? values : undefined;
}

const isLength = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
