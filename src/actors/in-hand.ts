// Marks which actor's code the thread is running, for whoever watches the thread
// from outside: a loop that never returns cannot say so itself. The mark is the
// process's own, like its event loop; without one this costs a comparison.

export type InHandMark = {
  /** @param intent its id; empty for an event of the actor's own. Must not throw, and must cost next to nothing. */
  take(actor: string, intent: string): void;
  release(): void;
  /** The thread goes on with the next of many pieces of work, each of them bounded. The same holds for it. */
  progress(): void;
  /** The thread does one long piece of the kernel's own work, of bounded input; nothing of an actor's runs in it. */
  beginLong(): void;
  endLong(): void;
};

let mark: InHandMark | undefined;
/** Code that runs within an actor's own is that actor's. */
let marked = false;
/** What is long within what is long is a part of that. */
let isLong = false;

export function setInHandMark(next: InHandMark | undefined): void {
  mark = next;
}

/** Runs an actor's code with the mark on it. */
export function withMark<T>(actor: string, intent: string, work: () => T): T {
  if (mark === undefined || marked) return work();
  marked = true;
  mark.take(actor, intent);
  try {
    return work();
  } finally {
    marked = false;
    mark.release();
  }
}

/**
 * One turn of the event loop may bring thousands of messages after an outage: with each of
 * them the thread says that it goes on, however late its timers are.
 */
export function markProgress(): void {
  mark?.progress();
}

/** Runs a piece of the kernel's own that may take seconds, such as reading a graph of 100,000 actors. */
export function longWork<T>(work: () => T): T {
  const own = mark;
  if (own === undefined || isLong) return work();
  isLong = true;
  own.beginLong();
  try {
    return work();
  } finally {
    isLong = false;
    own.endLong();
  }
}
