// Patterns over the tokens of an intent type or a path: `*` stands for one token, a last
// `**` for one or more. Time is linear in the text's length: there is no backtracking,
// because `**` stands last only.
import { MAX_PATH_TOKENS } from "../names.ts";

export type Separator = "." | "/";

/** The kernel's own actors live below this; a wildcard never reaches them. */
export const KERNEL_ROOT = "kernel";

const PATTERN_TOKEN = /^(?:[a-z0-9-]{1,63}|\*)$/;

export function isPattern(pattern: string, separator: Separator): boolean {
  const tokens = pattern.split(separator, MAX_PATH_TOKENS + 1);
  if (tokens.length > MAX_PATH_TOKENS) return false;
  const open = tokens.at(-1) === "**";
  return (open ? tokens.slice(0, -1) : tokens).every((token) => PATTERN_TOKEN.test(token));
}

/** Whether a target, or a pattern of targets, begins with the word `kernel`; no other pattern fits such a target. */
export const isOfKernel = (path: string): boolean => path.split("/", 1)[0] === KERNEL_ROOT;

/** Whether any intent pattern fits the intent, and any target pattern the target. */
export function allows(
  { intents, targets }: { readonly intents: readonly string[]; readonly targets: readonly string[] },
  intent: string,
  target: string,
): boolean {
  return (
    intents.some((pattern) => matches(pattern, intent, ".")) &&
    targets.some((pattern) => matches(pattern, target, "/") && !reachesKernelByWildcard(pattern, target))
  );
}

/** Whether everything that one of `inner` fits is fitted by one of `outer`; all are of the form above. */
export function areWithin(inner: readonly string[], outer: readonly string[], separator: Separator): boolean {
  const wide = outer.map((pattern) => pattern.split(separator));
  return inner.every((pattern) => {
    const narrow = pattern.split(separator);
    return wide.some((each) => isWithin(narrow, each, separator));
  });
}

function isWithin(narrow: readonly string[], wide: readonly string[], separator: Separator): boolean {
  if (separator === "/" && firstOf(narrow) === KERNEL_ROOT && firstOf(wide) !== KERNEL_ROOT) return false;
  const isOpen = wide.at(-1) === "**";
  const fixed = isOpen ? wide.slice(0, -1) : wide;
  // An open end stands for at least one token, on either side.
  if (isOpen ? narrow.length <= fixed.length : narrow.length !== fixed.length || narrow.at(-1) === "**")
    return false;
  return fixed.every((token, at) => narrow[at] !== "**" && (token === "*" || token === narrow[at]));
}

function matches(pattern: string, text: string, separator: Separator): boolean {
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

const firstOf = (tokens: readonly string[]): string => tokens[0] ?? "";
const reachesKernelByWildcard = (pattern: string, target: string): boolean =>
  isOfKernel(target) && !isOfKernel(pattern);
