// Shares the event loop among actors: each that has work gets a turn of a few
// intents, first come first served, and after a bounded amount of work the
// event loop itself (sockets, timers) has its turn.
import { AsyncResource } from "node:async_hooks";

/** One turn; true when there is more to do. Must not throw. */
export type Turn = () => boolean;

export type TurnScheduler = {
  /** Runs the turn soon, never before this call returns. */
  schedule(turn: Turn): void;
};

/** Turns between two looks at the event loop, unless time is up before. */
const MAX_TURNS = 64;
/** What is answered in a slice leaves after it: one sender's work is to hold up the others' answers no longer. */
const MAX_SLICE_MS = 2;
/** Whoever's code asks for a turn: what the scheduler does is done in nobody's name. */
const nobody = new AsyncResource("cell0-turns");

export function createTurnScheduler(
  defer: { soon(run: () => void): void; later(run: () => void): void } = {
    soon: (run) => queueMicrotask(() => nobody.runInAsyncScope(run)),
    later: (run) => setImmediate(() => nobody.runInAsyncScope(run)),
  },
): TurnScheduler {
  let queue: Turn[] = [];
  let pending = false;
  let budget = MAX_TURNS;
  let renewing = false;

  /** Microtasks alone never let the loop go on, so the budget is renewed by the loop only. */
  function renewLater(): void {
    if (renewing) return;
    renewing = true;
    defer.later(() => {
      renewing = false;
      budget = MAX_TURNS;
      if (queue.length > 0) run();
    });
  }

  function run(): void {
    pending = false;
    renewLater();
    const until = performance.now() + MAX_SLICE_MS;
    while (queue.length > 0 && budget > 0) {
      const batch = queue;
      queue = [];
      for (const [index, turn] of batch.entries()) {
        if (budget <= 0 || performance.now() > until) {
          budget = 0;
          queue = [...batch.slice(index), ...queue];
          break;
        }
        budget -= 1;
        if (turn()) queue.push(turn);
      }
    }
  }

  return {
    schedule(turn) {
      queue.push(turn);
      if (pending || budget <= 0) return;
      pending = true;
      defer.soon(run);
    },
  };
}

export const processTurns: TurnScheduler = createTurnScheduler();
