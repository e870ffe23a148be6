/**
 * What a sender is advised to do after an error:
 * - `never`: nothing; the same request fails again until something is changed.
 * - `anew`: ask again, as a new request, if that is wanted: whether this one was begun may not be known.
 * - `backoff`: the same again, later and later: resources or a connection are short for now.
 */
export type RetryAdvice = "never" | "anew" | "backoff";

/** What the registry says of one error code. `docs/errors.md` is made from these. */
export type ErrorDefinition = {
  /** What went wrong, in a few words. */
  readonly title: string;
  /** What usually leads to it. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
  readonly retry: RetryAdvice;
};

/** Keeps the codes of one area as literal types while checking their shape. */
export function defineErrors<const T extends Record<string, ErrorDefinition>>(definitions: T): T {
  return definitions;
}
