// The next turn of the event loop. turn.browser.ts takes its place in a browser.

/** Runs once, after what this turn still has to do. */
export const nextTurn = (run: () => void): void => void setImmediate(run);

/** Resolves in the next turn. */
export const turned = (): Promise<void> => new Promise((resolve) => nextTurn(resolve));
