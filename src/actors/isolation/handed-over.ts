// The deliveries that an actor's side has been given, by the node's own numbers:
// which wait there, which it has begun, and which are done but may still be named
// as the cause of something.
import type { ReceivedIntent } from "../intent.ts";
import type { Accepted } from "../open-requests.ts";

/** Finished intents that may still be the cause of what the actor sends; older ones are forgotten. */
const MAX_REMEMBERED = 4096;

export type Handed = { readonly number: bigint; readonly accepted: Accepted; begun: boolean };

export class HandedOver {
  readonly #byNumber = new Map<bigint, Handed>();
  readonly #byAccepted = new Map<Accepted, Handed>();
  /** Insertion order is the order in which they were begun. */
  readonly #begun = new Set<Handed>();
  readonly #remembered = new Map<bigint, ReceivedIntent>();
  #last = 0n;
  #inTurn: Handed | undefined;

  add(accepted: Accepted): bigint {
    this.#last += 1n;
    const handed = { number: this.#last, accepted, begun: false };
    this.#byNumber.set(handed.number, handed);
    this.#byAccepted.set(accepted, handed);
    return handed.number;
  }

  /** Undefined: it is finished already. Null: it was never given. */
  find(number: bigint): Handed | undefined | null {
    if (number === 0n || number > this.#last) return null;
    return this.#byNumber.get(number);
  }

  begin(handed: Handed): void {
    handed.begun = true;
    this.#begun.add(handed);
    this.#inTurn = handed;
  }

  /** The behaviour's code returned: what was begun last is no longer the one that holds the thread. */
  turnEnded(): void {
    this.#inTurn = undefined;
  }

  /** Whether it had been begun; undefined: it was never handed over. */
  finish(accepted: Accepted): boolean | undefined {
    const handed = this.#byAccepted.get(accepted);
    if (handed === undefined) return undefined;
    const { payload: _, ...intent } = accepted.delivery.intent;
    this.#byAccepted.delete(accepted);
    this.#byNumber.delete(handed.number);
    this.#begun.delete(handed);
    this.#remember(handed.number, { ...intent, payload: new Uint8Array() });
    return handed.begun;
  }

  /** The intent of a number, also when it is finished, unless that is long ago. Null: never given. */
  intentOf(number: bigint): ReceivedIntent | undefined | null {
    if (number === 0n) return undefined;
    if (number > this.#last) return null;
    return this.#byNumber.get(number)?.accepted.delivery.intent ?? this.#remembered.get(number);
  }

  get waiting(): number {
    return this.#byNumber.size - this.#begun.size;
  }

  /** When the oldest that is in hand was begun, on the monotonic clock. */
  get busySinceMs(): number | undefined {
    const [oldest] = this.#begun;
    return oldest?.accepted.startedAtMs;
  }

  /** Those that the behaviour never saw. */
  unbegun(): Accepted[] {
    return [...this.#byNumber.values()].flatMap(({ accepted, begun }) => (begun ? [] : [accepted]));
  }

  /** The intent whose handling an abrupt end interrupted, as far as that is certain. */
  suspect(): ReceivedIntent | undefined {
    const [only] = this.#begun;
    const handed = this.#inTurn ?? (this.#begun.size === 1 ? only : undefined);
    return handed?.accepted.delivery.intent;
  }

  /** Whether it is the one whose handling was interrupted: no state that came since knows of it. */
  isInTurn(accepted: Accepted | undefined): boolean {
    return accepted !== undefined && this.#inTurn?.accepted === accepted;
  }

  #remember(number: bigint, intent: ReceivedIntent): void {
    this.#remembered.set(number, intent);
    const [oldest] = this.#remembered.size > MAX_REMEMBERED ? this.#remembered.keys() : [];
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
