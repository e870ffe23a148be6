// Everything between a delivery and its last answer: acceptance, the mailbox, the
// answers owed, and the deadlines of both. Whatever was accepted is answered
// exactly once, whatever becomes of the actor.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec } from "../manifest/graph.ts";
import { nearestForeign } from "../manifest/suggest.ts";
import { type AcceptedIntent, type AcceptedIntents, checkPayload, checkReply } from "./accepted-intents.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import type { Delivery, ReceivedIntent } from "./intent.ts";
import { intent } from "./intent-definition.ts";
import { Mailbox } from "./mailbox.ts";
import { type Accepted, answer, answerInPart, OpenRequests } from "./open-requests.ts";
import { readPayload } from "./payload.ts";
import type { ActorClock } from "./ports.ts";
import type { Leftovers } from "./succession.ts";
import { WaitingRoom } from "./waiting-room.ts";

export type IntakeEvents = {
  /** A reply went out. */
  replied(accepted: Accepted, final: boolean): void;
  /** The last word on an intent that was begun; `error` unless it succeeded. */
  finished(accepted: Accepted, error: CellError | undefined): void;
  /** The last word on an intent that was never begun. */
  refused(accepted: Accepted, error: CellError): void;
};

export type ReplyOutcome = "sent" | "unknown" | { readonly invalid: CellError };

const MIN_RETRY_AFTER_MS = 20;
const MAX_RETRY_AFTER_MS = 5_000;

export class Intake {
  readonly #path: string;
  readonly #clock: ActorClock;
  readonly #events: IntakeEvents;
  readonly #mailbox: Mailbox<Accepted>;
  /** For `whenFull: block`: who waits for room in the mailbox. */
  readonly #room: WaitingRoom<Accepted>;
  #blocks: boolean;
  readonly #open = new OpenRequests();
  readonly #deadlines: DeadlineTimer;
  /** What killed the incarnation before, and is tried once more. */
  #again: Accepted[] | undefined;
  #intents: AcceptedIntents;
  /** Moving average of the time that one intent takes. */
  #averageMs = 1;

  constructor(
    spec: Pick<ActorSpec, "path" | "mailbox">,
    intents: AcceptedIntents,
    clock: ActorClock,
    events: IntakeEvents,
  ) {
    this.#path = spec.path;
    this.#clock = clock;
    this.#events = events;
    this.#intents = intents;
    this.#mailbox = new Mailbox(spec.mailbox);
    this.#room = new WaitingRoom(spec.mailbox.bound, waiterOf);
    this.#blocks = spec.mailbox.whenFull === "block";
    this.#deadlines = new DeadlineTimer(clock, () => this.#sweep());
  }

  /** Intents that are accepted and not begun, those outside a full mailbox included. */
  get depth(): number {
    return this.#mailbox.size + this.#room.size + (this.#again?.length ?? 0);
  }

  /** Of them those that wait outside. */
  get blocked(): number {
    return this.#room.size;
  }

  get openRequests(): number {
    return this.#open.size;
  }

  get intents(): AcceptedIntents {
    return this.#intents;
  }

  configure(mailbox: ActorSpec["mailbox"], intents: AcceptedIntents): void {
    this.#mailbox.configure(mailbox);
    this.#room.configure(mailbox.bound);
    this.#blocks = mailbox.whenFull === "block";
    this.#intents = intents;
    this.#refill();
  }

  /** An error is the caller's to answer; after `ok` the answer is this actor's. */
  accept(delivery: Delivery): Result<void, CellError> {
    const { intent } = delivery;
    const accepted = this.#intents.get(intent.type);
    if (accepted === undefined) return err(this.#unknown(intent.type));
    if (this.#clock.unixMs() > intent.deadlineUnixMs) return err(this.#error("ACTOR_DEADLINE_EXCEEDED"));
    if (this.#isFullFor(intent)) return err(this.#full());
    const entry = this.#entry(delivery, accepted);
    if (!entry.ok) return entry;
    if (!this.#put(entry.value)) return err(this.#full());
    this.#deadlines.arm(intent.deadlineUnixMs);
    return ok(undefined);
  }

  #entry(delivery: Delivery, accepted: AcceptedIntent): Result<Accepted, CellError> {
    const read = readPayload(delivery.intent.contentType, delivery.intent.payload);
    const payload = read.ok ? checkPayload(accepted, read.value) : read;
    if (!payload.ok) return payload;
    const { definition } = accepted;
    const queuedAtMs = this.#clock.monotonicMs();
    const entry = { delivery, definition, payload: payload.value, queuedAtMs };
    return ok({ ...entry, startedAtMs: 0, answered: false, replies: 0 });
  }

  /**
   * Takes over what an earlier incarnation left, whatever bound the mailbox has.
   * @param restored whether the state knows of what is owed
   * @param lost the answer to what it does not know of
   */
  inherit({ again, owed, waiting }: Leftovers, restored: boolean, lost: CellError): void {
    for (const delivery of owed) {
      const accepted = this.#inherited(delivery);
      if (accepted === undefined) continue;
      accepted.startedAtMs = accepted.queuedAtMs;
      this.#open.add(accepted);
      if (!restored) this.finish(accepted, { error: lost });
    }
    for (const delivery of again) {
      const accepted = this.#inherited(delivery);
      this.#again ??= [];
      if (accepted !== undefined) this.#again.push(accepted);
    }
    for (const delivery of waiting) {
      const accepted = this.#inherited(delivery);
      if (accepted !== undefined) this.#mailbox.putAnyway(accepted, delivery.intent.priority);
    }
  }

  /** An intent that the behaviour takes no longer is answered. */
  #inherited(delivery: Delivery): Accepted | undefined {
    const { type, deadlineUnixMs } = delivery.intent;
    const accepted = this.#intents.get(type);
    const entry = accepted === undefined ? err(this.#unknown(type)) : this.#entry(delivery, accepted);
    if (!entry.ok) {
      delivery.respond({ kind: "error", error: entry.error });
      return undefined;
    }
    this.#deadlines.arm(deadlineUnixMs);
    return entry.value;
  }

  /** Gives away all that is unanswered; whoever takes it answers. */
  handOver(): { readonly open: readonly Accepted[]; readonly waiting: readonly Accepted[] } {
    this.#deadlines.stop();
    const open = this.#open.all();
    for (const accepted of open) this.#open.remove(accepted);
    return { open, waiting: this.#sweepWaiting(() => false) };
  }

  /** An intent that was begun and is not answered. */
  find(id: string): Accepted | undefined {
    return this.#open.find(id);
  }

  #isFullFor(intent: ReceivedIntent): boolean {
    if (!this.#mailbox.isFullFor(intent.priority)) return false;
    return !this.#blocks || this.#room.isFullFor(senderOf(intent));
  }

  #put(entry: Accepted): boolean {
    const put = this.#mailbox.put(entry, entry.delivery.intent.priority);
    if (put.kind === "refused") return this.#blocks && this.#room.put(entry);
    if (put.dropped !== undefined) this.#refuse(put.dropped, this.#error("ACTOR_INTENT_DROPPED"));
    return true;
  }

  /** Room in the mailbox goes to who waits for it, in order, before anybody new. */
  #refill(): void {
    while (this.#room.size > 0 && !this.#mailbox.isFull) {
      const next = this.#room.take();
      if (next === undefined) return;
      this.#mailbox.put(next, next.delivery.intent.priority);
    }
  }

  /** What is begun and unanswered. */
  begun(): readonly Accepted[] {
    return this.#open.all();
  }

  /** An answer that an earlier incarnation owed is owed on. */
  resume(delivery: Delivery, replies: number): void {
    const { type, deadlineUnixMs } = delivery.intent;
    const definition = this.#intents.get(type)?.definition ?? intent({ reply: z.unknown() });
    const now = this.#clock.monotonicMs();
    const times = { queuedAtMs: now, startedAtMs: now };
    this.#open.add({ delivery, definition, payload: undefined, ...times, answered: false, replies });
    this.#deadlines.arm(deadlineUnixMs);
  }

  /** Answers all that was begun. */
  finishBegun(error: CellError): void {
    for (const accepted of this.#open.all()) this.finish(accepted, { error });
  }

  /** The next intent to begin; one that is too late is answered, and never begun. */
  take(): Accepted | undefined {
    for (;;) {
      const next = this.#again?.shift() ?? this.#mailbox.take();
      if (next === undefined) return undefined;
      this.#refill();
      const { id, deadlineUnixMs } = next.delivery.intent;
      if (this.#clock.unixMs() > deadlineUnixMs) this.#refuse(next, this.#error("ACTOR_DEADLINE_EXCEEDED"));
      else if (this.#open.isFull) this.#refuse(next, this.#error("ACTOR_OPEN_REQUESTS_FULL"));
      else if (this.#open.find(id) !== undefined) this.#refuse(next, this.#error("ACTOR_ID_TAKEN"));
      else {
        next.startedAtMs = this.#clock.monotonicMs();
        this.#open.add(next);
        return next;
      }
    }
  }

  /** Answers an intent that was begun, once and for all. */
  finish(accepted: Accepted, outcome: { readonly value: unknown } | { readonly error: CellError }): void {
    this.#open.remove(accepted);
    if (!answer(accepted, outcome)) return;
    const elapsedMs = this.#clock.monotonicMs() - accepted.startedAtMs;
    this.#averageMs += (elapsedMs - this.#averageMs) / 16;
    this.#events.replied(accepted, true);
    this.#events.finished(accepted, "error" in outcome ? outcome.error : undefined);
  }

  /** An intent that was taken but never begun after all: it counts as refused. What was handed over is answered elsewhere. */
  giveBack(accepted: Accepted, error: CellError): void {
    if (this.#open.remove(accepted)) this.#refuse(accepted, error);
  }

  /** A reply of the behaviour, checked against its schema. */
  reply(id: string, value: unknown, final: boolean): ReplyOutcome {
    const accepted = this.#open.find(id);
    if (accepted === undefined) return "unknown";
    const checked = checkReply(accepted.definition, value);
    if (!checked.ok) {
      this.finish(accepted, { error: checked.error });
      return { invalid: checked.error };
    }
    if (final) this.finish(accepted, { value: checked.value });
    else {
      answerInPart(accepted, checked.value);
      this.#events.replied(accepted, false);
    }
    return "sent";
  }

  /** A coded answer of the behaviour. */
  fail(id: string, error: CellError): ReplyOutcome {
    const accepted = this.#open.find(id);
    if (accepted === undefined) return "unknown";
    this.finish(accepted, { error });
    return "sent";
  }

  /** The latest deadline of what was begun and is not answered. */
  latestDeadlineUnixMs(): number | undefined {
    const open = this.#open.all();
    return open.length === 0
      ? undefined
      : Math.max(...open.map(({ delivery }) => delivery.intent.deadlineUnixMs));
  }

  /** The intent that was begun longest ago, of those that are not answered. */
  oldestBegun(): Accepted | undefined {
    return this.#open.all()[0];
  }

  /** When the oldest intent that still owes an answer was begun, on the monotonic clock. */
  busySinceMs(): number | undefined {
    return this.#open.all()[0]?.startedAtMs;
  }

  /** The actor is gone: everybody who waits hears of it. Errors are made when somebody does: a stack costs. */
  close(forBegun: () => CellError, forQueued: () => CellError): void {
    this.#deadlines.stop();
    if (this.#open.size > 0) this.finishBegun(forBegun());
    if (this.depth === 0) return;
    const error = forQueued();
    for (const accepted of this.#sweepWaiting(() => false)) this.#refuse(accepted, error);
  }

  #sweep(): void {
    const now = this.#clock.unixMs();
    let next = Number.POSITIVE_INFINITY;
    const inTime = ({ delivery }: Accepted): boolean => {
      const { deadlineUnixMs } = delivery.intent;
      if (now > deadlineUnixMs) return false;
      next = Math.min(next, deadlineUnixMs);
      return true;
    };
    const error = this.#error("ACTOR_DEADLINE_EXCEEDED");
    for (const late of this.#sweepWaiting(inTime)) this.#refuse(late, error);
    for (const accepted of this.#open.all()) if (!inTime(accepted)) this.finish(accepted, { error });
    if (next !== Number.POSITIVE_INFINITY) this.#deadlines.arm(next);
  }

  #sweepWaiting(keep: (accepted: Accepted) => boolean): Accepted[] {
    const again = this.#again ?? [];
    if (again.length > 0) this.#again = again.filter(keep);
    const out = [
      ...again.filter((accepted) => this.#again?.includes(accepted) !== true),
      ...this.#mailbox.sweep(keep),
      ...this.#room.sweep(keep),
    ];
    this.#refill();
    return out;
  }

  #refuse(accepted: Accepted, error: CellError): void {
    if (answer(accepted, { error, begun: false })) this.#events.refused(accepted, error);
  }

  #unknown(type: string): CellError {
    const known = [...this.#intents.keys()];
    const close = nearestForeign(type, known);
    return new CellError(
      "ACTOR_INTENT_UNKNOWN",
      `${this.#path} does not accept ${JSON.stringify(type.slice(0, 100))}`,
      {
        where: this.#path,
        ...(close === undefined ? {} : { remedy: `Did you mean ${close}?` }),
        details: { accepts: known },
      },
    );
  }

  #full(): CellError {
    const wait = this.#averageMs * this.depth;
    const retryAfterMs = Math.round(Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, wait)));
    return new CellError("ACTOR_MAILBOX_FULL", undefined, { where: this.#path, retryAfterMs });
  }

  #error(
    code: "ACTOR_DEADLINE_EXCEEDED" | "ACTOR_INTENT_DROPPED" | "ACTOR_OPEN_REQUESTS_FULL" | "ACTOR_ID_TAKEN",
  ): CellError {
    return new CellError(code, undefined, { where: this.#path });
  }
}

/** An actor that sends counts by itself, a client by its name. */
const senderOf = ({ principal, source }: ReceivedIntent): string => `${principal} ${source}`;

const waiterOf = ({ delivery }: Accepted) => ({
  sender: senderOf(delivery.intent),
  priority: delivery.intent.priority,
});
