// Grants: which intents may be sent to which targets, by patterns.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { allows, isPattern } from "./patterns.ts";

export type Grant = { readonly intents: readonly string[]; readonly targets: readonly string[] };

export const MAX_GRANTS = 64;
export const MAX_PATTERNS = 64;

/** Whether a grant list is well-formed; the first pattern that is not is named. */
export function checkGrants(grants: readonly Grant[]): Result<readonly Grant[], CellError> {
  if (grants.length > MAX_GRANTS) return invalid(`there are more than ${MAX_GRANTS} grants`);
  for (const { intents, targets } of grants) {
    for (const [patterns, separator] of [
      [intents, "."],
      [targets, "/"],
    ] as const) {
      if (patterns.length < 1 || patterns.length > MAX_PATTERNS) {
        return invalid(`a grant names 1 to ${MAX_PATTERNS} intents and 1 to ${MAX_PATTERNS} targets`);
      }
      const wrong = patterns.find((pattern) => !isPattern(pattern, separator));
      if (wrong !== undefined) return invalid(`\`${wrong.slice(0, 128)}\` is not a pattern`);
    }
  }
  return ok(grants);
}

/** Of each list, the last that it allowed: a sender sends the same to the same again and again. Lists never change. */
const allowedLast = new WeakMap<readonly Grant[], { readonly intent: string; readonly target: string }>();

/** Whether one grant allows both. A target of the kernel needs a pattern that begins with the word `kernel`. */
export function grantAllows(grants: readonly Grant[], intent: string, target: string): boolean {
  const last = allowedLast.get(grants);
  if (last !== undefined && last.intent === intent && last.target === target) return true;
  const isAllowed = grants.some((grant) => allows(grant, intent, target));
  if (isAllowed) allowedLast.set(grants, { intent, target });
  return isAllowed;
}

const invalid = (what: string) => err(new CellError("AUTHORITY_GRANT_INVALID", what));
