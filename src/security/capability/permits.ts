// Whether a token's permissions allow an intent with its payload.
import { CellError } from "../../errors/cell-error.ts";
import { allows } from "../grants/patterns.ts";
import { holds } from "./constraint.ts";
import type { Token } from "./token.ts";

/**
 * Undefined: one of them does. CAPABILITY_INTENT_FORBIDDEN, CAPABILITY_ARGUMENT_FORBIDDEN.
 * @param payload parsed, asked for only where a constraint needs it; undefined: it is no JSON
 */
export function permits(
  { permissions }: Pick<Token, "permissions">,
  intent: string,
  target: string,
  payload: () => unknown,
): CellError | undefined {
  const named = permissions.filter((permission) => allows(permission, intent, target));
  if (named.length === 0) {
    return new CellError("CAPABILITY_INTENT_FORBIDDEN", `it does not allow \`${intent}\` to \`${target}\``);
  }
  if (named.some(({ constraints }) => constraints.length === 0)) return undefined;
  const value = payload();
  const paths = new Set<string>();
  for (const { constraints } of named) {
    const failed = constraints.find((each) => !holds(each, value));
    if (failed === undefined) return undefined;
    paths.add(`payload${failed.path}`);
  }
  const what = `the constraint on ${[...paths].join(", ").slice(0, 256)} does not hold`;
  return new CellError("CAPABILITY_ARGUMENT_FORBIDDEN", what);
}
