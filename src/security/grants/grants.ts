// Grants: which intents may be sent to which targets. `*` stands for one token,
// a last `**` for one or more. Time is linear in the text's length: there is no
// backtracking, because `**` stands last only.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { MAX_PATH_TOKENS } from "../names.ts";

export type Grant = { readonly intents: readonly string[]; readonly targets: readonly string[] };

export const MAX_GRANTS = 64;
export const MAX_PATTERNS = 64;
/** The kernel's own actors live below this; a wildcard never reaches them. */
export const KERNEL_ROOT = "kernel";

const PATTERN_TOKEN = /^(?:[a-z0-9-]{1,63}|\*)$/;

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

export function isPattern(pattern: string, separator: "." | "/"): boolean {
  const tokens = pattern.split(separator, MAX_PATH_TOKENS + 1);
  if (tokens.length > MAX_PATH_TOKENS) return false;
  const open = tokens.at(-1) === "**";
  return (open ? tokens.slice(0, -1) : tokens).every((token) => PATTERN_TOKEN.test(token));
}

/** Of each list, the last that it allowed: a sender sends the same to the same again and again. Lists never change. */
const allowedLast = new WeakMap<readonly Grant[], { readonly intent: string; readonly target: string }>();

/** Whether one grant allows both. A target of the kernel needs a pattern that begins with the word `kernel`. */
export function grantAllows(grants: readonly Grant[], intent: string, target: string): boolean {
  const last = allowedLast.get(grants);
  if (last !== undefined && last.intent === intent && last.target === target) return true;
  const isAllowed = grants.some(
    ({ intents, targets }) =>
      intents.some((pattern) => matches(pattern, intent, ".")) &&
      targets.some((pattern) => matches(pattern, target, "/") && !reachesKernelByWildcard(pattern, target)),
  );
  if (isAllowed) allowedLast.set(grants, { intent, target });
  return isAllowed;
}

function matches(pattern: string, text: string, separator: "." | "/"): boolean {
  const wanted = pattern.split(separator);
  const tokens = text.split(separator);
  const open = wanted.at(-1) === "**";
  const fixed = open ? wanted.length - 1 : wanted.length;
  if (open ? tokens.length <= fixed : tokens.length !== fixed) return false;
  for (let at = 0; at < fixed; at += 1) {
    if (wanted[at] !== "*" && wanted[at] !== tokens[at]) return false;
  }
  return tokens.every((token) => token !== "");
}

const firstToken = (path: string): string => path.split("/", 1)[0] ?? "";
const reachesKernelByWildcard = (pattern: string, target: string): boolean =>
  firstToken(target) === KERNEL_ROOT && firstToken(pattern) !== KERNEL_ROOT;

const invalid = (what: string) => err(new CellError("AUTHORITY_GRANT_INVALID", what));
