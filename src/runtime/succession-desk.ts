// Keeps what ended incarnations left unanswered until the next one takes it over, and
// answers it when none comes or time is up. Decides by the deaths that it counts whether
// an intent is tried again or is poison. Bounded by what the mailboxes and open requests
// of the actors hold: nothing comes in here that was not in one of them.
import { crashedError } from "../actors/actor-failure.ts";
import type { ExitReason, Failure, Incarnation } from "../actors/child.ts";
import { DeadlineTimer } from "../actors/deadline-timer.ts";
import type { Delivery, IntentRef } from "../actors/intent.ts";
import type { ActorClock } from "../actors/ports.ts";
import type { Killer, Leftovers, SuccessionPort, Verdict } from "../actors/succession.ts";
import { CellError } from "../errors/cell-error.ts";
import { type ActorSpec, DEFAULT_POISON_DEATHS } from "../manifest/graph.ts";
import { boundText, type EventInput } from "../telemetry/event.ts";
import {
  bury,
  countDeath,
  type Death,
  deathsOf,
  isBuried,
  keyOf,
  MAX_ENTRIES,
  type PoisonEntries,
} from "./poison.ts";

const MAX_STORY_STACK_BYTES = 4_096;
/** Deaths by an intent that was answered before are remembered for this long. */
const ANSWERED_FOR_MS = 60_000;

/** An intent that is poison, with its story. */
export type Poisoned = { readonly delivery: Delivery; readonly deaths: readonly Death[] };

export type SuccessionOptions = {
  readonly clock: ActorClock;
  /** Sets the intent aside. Must not throw. */
  readonly bury: (poisoned: Poisoned) => void;
  readonly record: (event: EventInput) => void;
};

type Kept = { readonly leftovers: Leftovers; readonly reason: ExitReason };

type Suspected = { readonly intentId: string; readonly death: Death; buried: boolean };

export class SuccessionDesk {
  readonly #options: SuccessionOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #deaths = new Map<string, PoisonEntries>();
  /** Intents in hand at deaths of the process, by actor. */
  readonly #suspects = new Map<string, readonly Suspected[]>();
  readonly #deadlines: DeadlineTimer;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#deadlines = new DeadlineTimer(options.clock, () => this.#sweep());
  }

  /** For one incarnation. @param limit how many deaths make an intent poison, asked at each */
  portFor(path: string, incarnation: Incarnation, limit: () => number): SuccessionPort {
    return {
      died: (delivery, failure) => this.#died(path, incarnation, limit(), delivery, failure),
      counted: (intent, failure) => {
        const deaths = this.#count(path, incarnation, intent, failure);
        return deaths.length < limit() ? "again" : "poison";
      },
      isPoison: (killer) => this.#deathsOf(path, killer).length >= limit(),
      refuses: (delivery) => this.refuses(delivery, limit()),
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

  /** Nothing at this path or below it comes back by itself: everybody who waits hears so, and why. */
  down(path: string, why?: CellError): void {
    for (const each of [...this.#kept.keys()])
      if (each === path || each.startsWith(`${path}/`)) this.#answerAll(each, why);
  }

  #answerAll(path: string, why?: CellError): void {
    const kept = this.#kept.get(path);
    this.#kept.delete(path);
    if (kept === undefined) return;
    const gone = why ?? new CellError("ACTOR_NOT_RUNNING", undefined, { where: path });
    const begun = kept.reason.kind === "failed" ? crashedError(path, kept.reason.failure) : gone;
    const { again, owed, waiting } = kept.leftovers;
    for (const delivery of [...again, ...owed]) this.#answer(path, delivery, begun);
    for (const delivery of waiting) this.#answer(path, delivery, gone);
  }

  /**
   * An intent was in hand when the process before this one died. Who sent it is not known
   * then: it counts for whoever's intent has this id.
   */
  suspect(path: string, intentId: string, atUnixMs = this.#options.clock.unixMs()): void {
    const before = this.#suspects.get(path) ?? [];
    this.#suspects.set(
      path,
      [...before, { intentId, death: processDeath(atUnixMs), buried: false }].slice(-MAX_ENTRIES),
    );
  }

  /** The answer to an intent that has killed too often already; it is set aside now. Undefined: it may be tried. */
  refuses(delivery: Delivery, limit = DEFAULT_POISON_DEATHS): CellError | undefined {
    const { intent } = delivery;
    if (!this.#deaths.has(intent.target) && !this.#suspects.has(intent.target)) return undefined;
    const deaths = this.#deathsOf(intent.target, intent);
    return deaths.length < limit ? undefined : this.#bury(intent.target, delivery, deaths);
  }

  #died(
    path: string,
    incarnation: Incarnation,
    limit: number,
    delivery: Delivery,
    failure: Failure,
  ): Verdict {
    const deaths = this.#count(path, incarnation, delivery.intent, failure);
    if (deaths.length < limit) return { kind: "again" };
    return { kind: "poison", answer: this.#bury(path, delivery, deaths) };
  }

  #count(path: string, incarnation: Incarnation, intent: Killer, failure: Failure): readonly Death[] {
    const nowUnixMs = this.#options.clock.unixMs();
    const death = deathOf(failure, incarnation, nowUnixMs);
    const times = { nowUnixMs, expiresUnixMs: intent.deadlineUnixMs ?? nowUnixMs + ANSWERED_FOR_MS };
    this.#deaths.set(path, countDeath(this.#deaths.get(path) ?? [], keyOf(intent), death, times));
    return this.#deathsOf(path, intent);
  }

  #deathsOf(path: string, intent: IntentRef): readonly Death[] {
    const ofProcess = (this.#suspects.get(path) ?? []).filter(({ intentId }) => intentId === intent.id);
    const own = deathsOf(this.#deaths.get(path) ?? [], keyOf(intent));
    return [...ofProcess.map(({ death }) => death), ...own];
  }

  #bury(path: string, delivery: Delivery, deaths: readonly Death[]): CellError {
    const key = keyOf(delivery.intent);
    const entries = this.#deaths.get(path) ?? [];
    this.#deaths.set(path, bury(entries, key));
    // What killed the process is refused each time that it comes, and buried once.
    const ofProcess = (this.#suspects.get(path) ?? []).filter((each) => each.intentId === delivery.intent.id);
    if (!isBuried(entries, key) && ofProcess.every(({ buried }) => !buried))
      this.#options.bury({ delivery, deaths });
    for (const each of ofProcess) each.buried = true;
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

function processDeath(atUnixMs: number): Death {
  const message = "the whole process died while it was in hand";
  const incarnation = { term: 0, activation: 0 };
  return { atUnixMs, incarnation, class: "loss", name: "ProcessDied", message, stack: "", origin: "kernel" };
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
