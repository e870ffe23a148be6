// Permissions and their constraints between the wire's messages and plain data. What is read comes
// from outside: it is within the bounds and of a form that this version knows, or it is refused.
import type {
  Constraint as ConstraintMessage,
  Permission as PermissionMessage,
} from "../../gen/cell0/v1/capability_pb.ts";
import { isPattern } from "../grants/patterns.ts";
import {
  type Constraint,
  isExact,
  isPointer,
  MAX_VALUE_LENGTH,
  type Rule,
  type Scalar,
} from "./constraint.ts";

/** Any of these intents to any of these targets, where all constraints hold. */
export type Permission = {
  readonly intents: readonly string[];
  readonly targets: readonly string[];
  readonly constraints: readonly Constraint[];
};

/** A text: what is wrong. */
export function readPermission({ intents, targets, constraints }: PermissionMessage): Permission | string {
  if (intents.length === 0 || targets.length === 0) return "a permission names no intent or no target";
  const wrong =
    intents.find((pattern) => !isPattern(pattern, ".")) ??
    targets.find((pattern) => !isPattern(pattern, "/"));
  if (wrong !== undefined) return `\`${wrong.slice(0, 128)}\` is not a pattern`;
  const read: Constraint[] = [];
  for (const { path, rule } of constraints) {
    if (!isPointer(path)) return `\`${path.slice(0, 128)}\` is no JSON Pointer within the bounds`;
    const known = readRule(rule);
    if (known === undefined) return `the constraint on \`${path}\` is not one that this version knows`;
    read.push({ path, rule: known });
  }
  return { intents, targets, constraints: read };
}

function readRule(rule: ConstraintMessage["rule"]): Rule | undefined {
  switch (rule.case) {
    case "equals": {
      const value = readScalar(rule.value);
      return value === undefined ? undefined : { kind: "equals", value };
    }
    case "oneOf":
    case "subset": {
      const values = readScalars(rule.value.values);
      return values && { kind: rule.case, values };
    }
    case "prefix":
      return rule.value.length > MAX_VALUE_LENGTH ? undefined : { kind: "prefix", prefix: rule.value };
    case "range": {
      const [least, most] = [readBound(rule.value.least), readBound(rule.value.most)];
      return least === null || most === null ? undefined : { kind: "range", least, most };
    }
    case "maxLength":
      return { kind: "maxLength", length: rule.value };
    default:
      return undefined;
  }
}

function readScalars(texts: readonly string[]): readonly Scalar[] | undefined {
  const values = texts.map(readScalar);
  return values.length > 0 && values.every((value) => value !== undefined) ? values : undefined;
}

/** A bound that is empty is none; null: it is no number. */
function readBound(text: string): number | undefined | null {
  if (text === "") return undefined;
  const value = readScalar(text);
  return typeof value === "number" ? value : null;
}

/** In the one form that JSON.stringify gives it, so that two verifiers read the same. */
function readScalar(text: string): Scalar | undefined {
  if (text.length > MAX_VALUE_LENGTH) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isScalar =
      value === null || typeof value === "string" || typeof value === "boolean" || isExact(value);
    return isScalar && JSON.stringify(value) === text ? (value as Scalar) : undefined;
  } catch {
    return undefined;
  }
}

export function toPermission({ intents, targets, constraints }: Permission) {
  return {
    intents: [...intents],
    targets: [...targets],
    constraints: constraints.map(({ path, rule }) => ({ path, rule: toRule(rule) })),
  };
}

function toRule(rule: Rule) {
  const texts = (values: readonly Scalar[]) => ({ values: values.map((value) => JSON.stringify(value)) });
  switch (rule.kind) {
    case "equals":
      return { case: "equals" as const, value: JSON.stringify(rule.value) };
    case "oneOf":
      return { case: "oneOf" as const, value: texts(rule.values) };
    case "subset":
      return { case: "subset" as const, value: texts(rule.values) };
    case "prefix":
      return { case: "prefix" as const, value: rule.prefix };
    case "range": {
      const bound = (value: number | undefined) => (value === undefined ? "" : JSON.stringify(value));
      return { case: "range" as const, value: { least: bound(rule.least), most: bound(rule.most) } };
    }
    case "maxLength":
      return { case: "maxLength" as const, value: rule.length };
  }
}
