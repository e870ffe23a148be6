// For how much of a second a sender who is shut out is heard nevertheless: in parts, so that what he may
// still ask of the node never comes as one burst, behind which everybody else would wait.
import type { BrokerMessage } from "./connection.ts";
import type { Live, SubscriptionPorts } from "./intent-subscriptions.ts";

/** Messages in a second: as many as a client sends that only ever overran the node once. */
export const HEARD_WHILE_SHUT = 512;
/** Bytes in a second, since one message may hold many intents. */
export const HEARD_BYTES = 128 * 1024;
/** Parts of a second. */
export const SLOTS = 16;
const MESSAGES_IN_SLOT = HEARD_WHILE_SHUT / SLOTS;
const BYTES_IN_SLOT = HEARD_BYTES / SLOTS;
/** Who was silent may use that of so many parts at once: a message may be larger than one part. */
const SAVED_SLOTS = 4;

type Ports = Pick<SubscriptionPorts, "subscribe" | "handler" | "refuse">;
type Ear = { live: Live; isUsed: boolean };

/** One sender, for one second. */
export class Hearing {
  readonly #ports: Ports;
  readonly #ears = new Map<string, Ear>();
  #left = MESSAGES_IN_SLOT;
  #bytes = BYTES_IN_SLOT * SAVED_SLOTS;
  #hasOverrun = false;
  readonly #secondsBefore: number;
  #heardParts = 1;
  #floodedParts = 0;
  #isFlooded = false;

  /**
   * @param subjects of this sender alone
   * @param secondsBefore seconds just before in which he flooded on
   */
  constructor(subjects: readonly string[], ports: Ports, secondsBefore = 0) {
    this.#ports = ports;
    this.#secondsBefore = secondsBefore;
    for (const subject of subjects) this.#open(subject);
  }

  /** He used up what he was heard for in some part of it. */
  get hasOverrun(): boolean {
    return this.#hasOverrun;
  }

  /**
   * Seconds in a row, this one being the last, in which he sent more than he is heard for in three of four parts
   * in which he was heard: no burst that was sent once lasts so long.
   */
  get floodedSeconds(): number {
    const flooded = this.#floodedParts + (this.#isFlooded ? 1 : 0);
    return flooded >= SLOTS / 4 && 4 * flooded >= 3 * this.#heardParts ? this.#secondsBefore + 1 : 0;
  }

  get subscriptions(): readonly Live[] {
    return [...this.#ears.values()].map(({ live }) => live);
  }

  /** The next part. Only what he has used is subscribed to again. */
  next(): void {
    if (this.#isFlooded) this.#floodedParts += 1;
    this.#isFlooded = false;
    this.#left = MESSAGES_IN_SLOT;
    this.#bytes = Math.min(this.#bytes + BYTES_IN_SLOT, BYTES_IN_SLOT * SAVED_SLOTS);
    if (this.#bytes <= 0) return;
    this.#heardParts += 1;
    for (const [subject, { live, isUsed }] of [...this.#ears]) {
      if (!isUsed) continue;
      this.#open(subject);
      end(live);
    }
  }

  /** The broker itself ends it after what one part allows, and one more, by which he is seen to send more. */
  #open(subject: string): void {
    const live = this.#ports.subscribe(subject, (message) => this.#hear(ear, message), {
      max: MESSAGES_IN_SLOT + 1,
    });
    const ear: Ear = { live, isUsed: false };
    this.#ears.set(subject, ear);
  }

  #hear(ear: Ear, message: BrokerMessage): void {
    const { handler, refuse } = this.#ports;
    ear.isUsed = true;
    if (this.#isOver()) {
      this.#isFlooded = true;
      refuse(message);
      end(ear.live);
      return;
    }
    this.#left -= 1;
    this.#bytes -= message.data.length;
    handler(message);
    if (this.#isOver()) this.#hasOverrun = true;
  }

  #isOver(): boolean {
    return this.#left <= 0 || this.#bytes <= 0;
  }
}

/** A connection that is lost has ended it. */
export function end(subscription: Live): void {
  subscription.drain().catch(() => {});
}
