// The journaled intents that a durable actor's host at the node holds: those that wait
// for room at the actor's side, in their priorities, and those handed over, by number.
// Nobody is answered from here at an end: what is unanswered is in the journal, or owed
// in the committed state.
import { z } from "zod";
import type { CellError } from "../../../errors/cell-error.ts";
import type { Journaled } from "../../durable/ports.ts";
import type { Delivery, ReceivedIntent } from "../../intent.ts";
import { intent } from "../../intent-definition.ts";
import type { MailboxOptions } from "../../mailbox.ts";
import { Mailbox } from "../../mailbox.ts";
import type { Accepted } from "../../open-requests.ts";
import { type Handed, HandedOver } from "../handed-over.ts";

/** Askings of one intent that are answered each; the newest ones. */
const MAX_ASKINGS = 2;
/** What is in it is judged on the actor's side. */
const anything = intent({ reply: z.unknown() });

export type Waiting = {
  readonly accepted: Accepted;
  readonly journaled: Journaled;
  readonly refused: CellError | undefined;
};

export class Deliveries {
  readonly #mailbox: Mailbox<Waiting>;
  readonly #handed = new HandedOver();
  readonly #byId = new Map<string, Accepted[]>();
  readonly #begun = new Set<Accepted>();
  #bound: number;

  constructor(options: MailboxOptions) {
    this.#mailbox = new Mailbox(options);
    this.#bound = options.bound;
  }

  configure({ bound }: MailboxOptions): void {
    this.#bound = bound;
  }

  /** Not begun. */
  get depth(): number {
    return this.#mailbox.size + this.#handed.waiting;
  }

  /** Begun and unanswered. */
  get open(): number {
    return this.#begun.size;
  }

  get isFull(): boolean {
    return this.depth >= this.#bound;
  }

  get busySinceMs(): number | undefined {
    return this.#handed.busySinceMs;
  }

  /** The latest deadline of what is begun. */
  get latestDeadlineUnixMs(): number | undefined {
    let latest: number | undefined;
    for (const { delivery } of this.#begun) {
      latest = Math.max(latest ?? 0, delivery.intent.deadlineUnixMs);
    }
    return latest;
  }

  add(delivery: Delivery, journaled: Journaled, refused: CellError | undefined, nowMs: number): void {
    const times = { queuedAtMs: nowMs, startedAtMs: nowMs };
    const accepted = { delivery, definition: anything, payload: undefined, ...times };
    this.#mailbox.putAnyway(
      { accepted: { ...accepted, answered: false, replies: 0 }, journaled, refused },
      delivery.intent.priority,
    );
  }

  /** The next to be handed over, with its number; undefined: none, or there is no room. */
  next(window: number): { readonly number: bigint; readonly waiting: Waiting } | undefined {
    const waiting = this.#handed.waiting < window ? this.#mailbox.take() : undefined;
    if (waiting === undefined) return undefined;
    const { accepted } = waiting;
    const { id } = accepted.delivery.intent;
    const askings = [...(this.#byId.get(id) ?? []), accepted];
    for (const old of askings.splice(0, askings.length - MAX_ASKINGS)) this.#drop(old);
    this.#byId.set(id, askings);
    return { number: this.#handed.add(accepted), waiting };
  }

  /** Undefined: it is finished already. Null: it was never given. */
  find(number: bigint): Handed | undefined | null {
    return this.#handed.find(number);
  }

  /** As `HandedOver.intentOf`. */
  intentOf(number: bigint): ReceivedIntent | undefined | null {
    return this.#handed.intentOf(number);
  }

  begin(handed: Handed): void {
    this.#handed.begin(handed);
    this.#begun.add(handed.accepted);
  }

  turnEnded(): void {
    this.#handed.turnEnded();
  }

  suspect(): ReceivedIntent | undefined {
    return this.#handed.suspect();
  }

  /** It is answered, and so are earlier askings of it. Whether none is left. */
  finish(accepted: Accepted): boolean {
    const { id } = accepted.delivery.intent;
    const askings = this.#byId.get(id) ?? [];
    const left = askings.slice(askings.indexOf(accepted) + 1);
    for (const each of askings) if (!left.includes(each)) this.#drop(each);
    if (left.length > 0) this.#byId.set(id, left);
    else this.#byId.delete(id);
    return left.length === 0;
  }

  #drop(accepted: Accepted): void {
    this.#handed.finish(accepted);
    this.#begun.delete(accepted);
  }
}
