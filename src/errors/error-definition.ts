/** What the registry says of one error code. `docs/errors.md` is made from these. */
export type ErrorDefinition = {
  /** What went wrong, in a few words. */
  readonly title: string;
  /** What usually leads to it. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
};

/** Keeps the codes of one area as literal types while checking their shape. */
export function defineErrors<const T extends Record<string, ErrorDefinition>>(definitions: T): T {
  return definitions;
}
