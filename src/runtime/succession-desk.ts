// Keeps what ended incarnations left unanswered until the next one takes it over, and
// answers it when none comes or time is up. Decides by the deaths that it counts whether
// an intent is tried again or is poison. Bounded by what the mailboxes and open requests
// of the actors hold: nothing comes in here that was not in one of them.
import { crashedError } from "../actors/actor-failure.ts";
import type { ExitReason, Failure, Incarnation } from "../actors/child.ts";
import { DeadlineTimer } from "../actors/deadline-timer.ts";
import type { Delivery } from "../actors/intent.ts";
import type { ActorClock } from "../actors/ports.ts";
import type { Leftovers, SuccessionPort, Verdict } from "../actors/succession.ts";
import { CellError } from "../errors/cell-error.ts";
import { type ActorSpec, DEFAULT_POISON_DEATHS } from "../manifest/graph.ts";
import { boundText, type EventInput } from "../telemetry/event.ts";
import { countDeath, type Death, deathsOf, forget, keyOf, type PoisonEntries } from "./poison.ts";

const MAX_STORY_STACK_BYTES = 4_096;

/** An intent that is poison, with its story. */
export type Poisoned = { readonly delivery: Delivery; readonly deaths: readonly Death[] };

export type SuccessionOptions = {
  readonly clock: ActorClock;
  /** Sets the intent aside. Must not throw. */
  readonly bury: (poisoned: Poisoned) => void;
  readonly record: (event: EventInput) => void;
};

type Kept = { readonly leftovers: Leftovers; readonly reason: ExitReason };

export class SuccessionDesk {
  readonly #options: SuccessionOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #deaths = new Map<string, PoisonEntries>();
  readonly #deadlines: DeadlineTimer;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#deadlines = new DeadlineTimer(options.clock, () => this.#sweep());
  }

  /** For one incarnation. @param limit how many deaths make an intent poison, asked at each */
  portFor(path: string, incarnation: Incarnation, limit: () => number): SuccessionPort {
    return {
      died: (delivery, failure) => this.#died(path, incarnation, limit(), delivery, failure),
      leave: (leftovers, reason) => this.#leave(path, { leftovers, reason }),
    };
  }

  /** What the next incarnation is to go on with; from now on the caller answers. */
  take(path: string): Leftovers | undefined {
    const kept = this.#kept.get(path);
    this.#kept.delete(path);
    return kept?.leftovers;
  }

  /** A start that did not come about gives it back. */
  giveBack(path: string, leftovers: Leftovers | undefined): void {
    if (leftovers !== undefined)
      this.#leave(path, { leftovers, reason: { kind: "failed", failure: notStarted(path) } });
  }

  /** What the supervisor decided: no next incarnation is on its way, so that all are answered. */
  settle(path: string, comesBack: boolean): void {
    if (comesBack) return;
    const kept = this.#kept.get(path);
    this.#kept.delete(path);
    if (kept === undefined) return;
    const gone = new CellError("ACTOR_NOT_RUNNING", undefined, { where: path });
    const begun = kept.reason.kind === "failed" ? crashedError(path, kept.reason.failure) : gone;
    const { again, owed, waiting } = kept.leftovers;
    for (const delivery of [...again, ...owed]) this.#answer(path, delivery, begun);
    for (const delivery of waiting) this.#answer(path, delivery, gone);
  }

  /** An intent that killed the whole process before, as the process that ended left word of it. */
  suspect(path: string, intent: Parameters<typeof keyOf>[0], death: Death, expiresUnixMs: number): void {
    const nowUnixMs = this.#options.clock.unixMs();
    const entries = this.#deaths.get(path) ?? [];
    this.#deaths.set(path, countDeath(entries, keyOf(intent), death, { nowUnixMs, expiresUnixMs }));
  }

  /** The answer to an intent that has killed too often already; it is set aside now. Undefined: it may be tried. */
  refuses(delivery: Delivery, limit = DEFAULT_POISON_DEATHS): CellError | undefined {
    const { intent } = delivery;
    const entries = this.#deaths.get(intent.target);
    if (entries === undefined) return undefined;
    const deaths = deathsOf(entries, keyOf(intent));
    return deaths.length < limit ? undefined : this.#bury(intent.target, delivery, deaths);
  }

  /** The path has left the graph. */
  forget(path: string): void {
    this.settle(path, false);
    this.#deaths.delete(path);
  }

  #died(
    path: string,
    incarnation: Incarnation,
    limit: number,
    delivery: Delivery,
    failure: Failure,
  ): Verdict {
    const key = keyOf(delivery.intent);
    const nowUnixMs = this.#options.clock.unixMs();
    const death = deathOf(failure, incarnation, nowUnixMs);
    const expiresUnixMs = delivery.intent.deadlineUnixMs;
    const entries = countDeath(this.#deaths.get(path) ?? [], key, death, { nowUnixMs, expiresUnixMs });
    this.#deaths.set(path, entries);
    const deaths = deathsOf(entries, key);
    if (deaths.length < limit) return { kind: "again" };
    return { kind: "poison", answer: this.#bury(path, delivery, deaths) };
  }

  #bury(path: string, delivery: Delivery, deaths: readonly Death[]): CellError {
    const rest = forget(this.#deaths.get(path) ?? [], keyOf(delivery.intent));
    if (rest.length === 0) this.#deaths.delete(path);
    else this.#deaths.set(path, rest);
    this.#options.bury({ delivery, deaths });
    const times = deaths.length === 1 ? "once" : `${deaths.length} times`;
    return new CellError("ACTOR_INTENT_POISONOUS", `the intent has killed the actor ${times}`, {
      where: path,
    });
  }

  #leave(path: string, { leftovers, reason }: Kept): void {
    const all = [...leftovers.again, ...leftovers.owed, ...leftovers.waiting];
    if (all.length === 0) return;
    const before = this.#kept.get(path)?.leftovers;
    this.#kept.set(path, { leftovers: before === undefined ? leftovers : joined(before, leftovers), reason });
    for (const { intent } of all) this.#deadlines.arm(intent.deadlineUnixMs);
  }

  #sweep(): void {
    const now = this.#options.clock.unixMs();
    for (const [path, { leftovers, reason }] of this.#kept) {
      const late = new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { where: path });
      const inTime = (delivery: Delivery): boolean => {
        const { deadlineUnixMs } = delivery.intent;
        if (now <= deadlineUnixMs) this.#deadlines.arm(deadlineUnixMs);
        else this.#answer(path, delivery, late);
        return now <= deadlineUnixMs;
      };
      const { again, owed, waiting } = leftovers;
      const rest = {
        again: again.filter(inTime),
        owed: owed.filter(inTime),
        waiting: waiting.filter(inTime),
      };
      if (rest.again.length + rest.owed.length + rest.waiting.length === 0) this.#kept.delete(path);
      else this.#kept.set(path, { leftovers: rest, reason });
    }
  }

  #answer(path: string, { intent, respond }: Delivery, error: CellError): void {
    respond({ kind: "error", error });
    const { code, message, remedy, retryable } = error;
    const { principal, target } = intent;
    const value = {
      stage: "mailbox",
      error: { code, message, remedy, retryable },
      principal,
      target,
      count: 1,
    };
    this.#options.record({
      actor: path,
      intent,
      traceparent: intent.traceparent,
      kind: { case: "intentRefused", value },
    });
  }
}

/** What the manifest of an actor says. */
export const poisonLimitOf = ({ poisonDeaths }: Pick<ActorSpec, "poisonDeaths">): number =>
  poisonDeaths ?? DEFAULT_POISON_DEATHS;

const joined = (first: Leftovers, then: Leftovers): Leftovers => ({
  again: [...first.again, ...then.again],
  owed: [...first.owed, ...then.owed],
  waiting: [...first.waiting, ...then.waiting],
});

function deathOf(failure: Failure, incarnation: Incarnation, atUnixMs: number): Death {
  const { class: failureClass, name, message, stack = "", origin } = failure;
  const bounded = boundText(stack, MAX_STORY_STACK_BYTES);
  return { atUnixMs, incarnation, class: failureClass, name, message, stack: bounded, origin };
}

function notStarted(path: string): Failure {
  return {
    class: "crash",
    name: "NotStarted",
    message: "it did not start",
    origin: "start",
    rootActor: path,
  };
}
