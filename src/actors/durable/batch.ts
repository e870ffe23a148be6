// What is decided between two commits: the work that waits for the commit, and the
// replies that go into it. A step joins it in whole, or not at all.
import type { AnyEventObject } from "xstate";
import type { Delivery, ReceivedIntent } from "../intent.ts";
import type { OutboxEntry, StoredReply } from "./ports.ts";

export type Work = {
  readonly run: () => void;
  readonly intent: ReceivedIntent | undefined;
  /** Code of the behaviour or of XState: it runs in the actor's name, and may fail it. */
  readonly guarded: boolean;
  /** What of it can be done while the commit is on its way. Must not throw. */
  readonly prepare?: () => void;
};

/** The behaviour's own actions, to be decided again after a restart. */
export type Redo = { readonly from: unknown; readonly events: AnyEventObject[] };

/** One event or intent while it is decided. */
export type StepParts = {
  /** undefined: the initial one. */
  readonly event: AnyEventObject | undefined;
  readonly works: Work[];
  readonly replies: StoredReply[];
  readonly settled: Delivery[];
  readonly entries: OutboxEntry[];
  /** Set when it has own actions: the machine's state before. */
  redo?: { readonly from: unknown };
};

export const newStep = (event: AnyEventObject | undefined): StepParts => ({
  event,
  works: [],
  replies: [],
  settled: [],
  entries: [],
});

export class Batch {
  readonly works: Work[] = [];
  readonly replies: StoredReply[] = [];
  redo: Redo | undefined;
  /** Events for children among its works. */
  sends = 0;
  steps = 0;
  /** Characters of the replies. */
  size = 0;
  /** Whether there is a reason to commit. */
  isDirty = false;
  /** The last intent that a step of it handled. */
  intent: ReceivedIntent | undefined;

  add(step: StepParts): void {
    for (const work of step.works) this.works.push(work);
    for (const reply of step.replies) this.reply(reply);
    const [handled] = step.settled;
    if (handled !== undefined) this.intent = handled.intent;
    if (this.redo === undefined && step.redo !== undefined) {
      this.redo = { from: step.redo.from, events: step.event === undefined ? [] : [step.event] };
    } else if (step.event !== undefined) this.redo?.events.push(step.event);
    this.steps += 1;
    this.isDirty = true;
  }

  reply(reply: StoredReply): void {
    this.replies.push(reply);
    this.size += JSON.stringify(reply.outcome).length;
  }
}
