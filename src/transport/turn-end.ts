// The end of a turn of the event loop: what is signed and published there leaves in one write
// to the socket, whoever it is from. A write for each costs more than its signature.
import { AsyncResource } from "node:async_hooks";

/** Whoever asks first: what is thrown there is nobody's of theirs. */
const nobody = new AsyncResource("cell0-turn-end");
const next = () => setImmediate(() => nobody.runInAsyncScope(runAll));

let waiting: (() => void)[] = [];

/**
 * Runs once the turn's events have been handled, in the order of these calls; what asks
 * meanwhile runs too. What it throws is uncaught, and keeps none of the others from running.
 */
export function atTurnEnd(run: () => void): void {
  waiting.push(run);
  if (waiting.length === 1) next();
}

function runAll(): void {
  let done = 0;
  try {
    for (; done < waiting.length; done += 1) waiting[done]?.();
  } finally {
    waiting = waiting.slice(done + 1);
    if (waiting.length > 0) next();
  }
}
