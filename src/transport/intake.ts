// Takes messages off the broker and hands them to whoever verifies them, at most so
// many at a time, and no more in one turn of the event loop than its other work bears:
// after an outage thousands come at once. What comes beyond those bounds is refused; whose it
// is, when that alone is more than can be borne, is not heard for a while.
import { CellError } from "../errors/cell-error.ts";
import type { Envelope } from "../security/wire/envelope.ts";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";
import { FloodWatch } from "./flood-watch.ts";
import { IntentSubscriptions } from "./intent-subscriptions.ts";
import { senderOf } from "./subjects.ts";
import { type Ahead, TurnQueue } from "./turn-queue.ts";

/** A message that claims to be an envelope; nothing in it is verified but what is said to be. */
export type IncomingMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where the sender hears of refusals that come before its signature is read. */
  readonly natsReply?: string;
  /** By whoever verified ahead: what it holds, when its signature is valid. */
  signed?: Envelope | undefined;
};

export type IntakeOptions = {
  readonly connection: BrokerConnection;
  /** Subjects with wildcards, see subjects.ts. More can be added later. */
  readonly subjects: readonly string[];
  /** Verifies and delivers. A promise counts as in hand until it settles; a throw is told to the connection's `onProblem`. */
  readonly deliver: (message: IncomingMessage) => void | Promise<void>;
  /**
   * Hears of a message that is turned away with BROKER_OVERLOADED, the same error each time; it counts and
   * records. Of a flood nearly every message comes here: it must cost no more than a count.
   */
  readonly refuse: (message: IncomingMessage, error: CellError) => void;
  /** Who may send at all; absent: who floods is heard on. */
  readonly principals?: () => readonly string[];
  /** Hears that a sender floods the node, and is not heard for now. */
  readonly onShutOut?: (sender: string) => void;
  /** Keeps one who floods on away from the broker. @returns for how many milliseconds; undefined: it cannot */
  readonly keepOut?: (sender: string) => number | undefined;
  /** Turned away in a second before somebody is not heard; default 4,096. */
  readonly maxTurnedAway?: number;
  /** Verifies the signatures of many that wait, elsewhere; see TurnQueueOptions. */
  readonly ahead?: Ahead<IncomingMessage>;
  /** Messages in hand at a time; default 1,024. */
  readonly maxInFlight?: number;
};

export type IntakeStats = { readonly received: number; readonly refused: number; readonly inFlight: number };

export interface Intake {
  /** Adds a subject; a second time does nothing. */
  add(subject: string): void;
  remove(subject: string): void;
  subjects(): readonly string[];
  stats(): IntakeStats;
  /** Takes nothing new; resolves once all in hand is settled. Idempotent. */
  drain(): Promise<void>;
}

const MAX_IN_FLIGHT = 1024;
const OVERLOADED = new CellError("BROKER_OVERLOADED", undefined, { retryAfterMs: 100 });

export function subscribeIntents(options: IntakeOptions): Intake {
  const intake = new BrokerIntake(options);
  for (const subject of options.subjects) intake.add(subject);
  return intake;
}

class BrokerIntake implements Intake {
  readonly #options: IntakeOptions;
  readonly #maxInFlight: number;
  readonly #subscriptions: IntentSubscriptions;
  readonly #floods: FloodWatch;
  readonly #queue: TurnQueue<IncomingMessage>;
  #inFlight = 0;
  #received = 0;
  #refused = 0;
  #idle: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
    this.#floods = new FloodWatch(options.maxTurnedAway);
    const { connection, principals, keepOut, ahead } = options;
    this.#queue = new TurnQueue<IncomingMessage>({
      work: (message) => this.#deliver(message),
      senderOf: ({ subject }) => senderOf(subject),
      bytesOf: ({ data, subject }) => data.length + subject.length,
      ...(ahead === undefined ? {} : { ahead }),
    });
    this.#subscriptions = new IntentSubscriptions({
      subscribe: (subject, handler, limits) => connection.subscribe(subject, handler, limits),
      handler: (message) => this.#take(message),
      refuse: (message) => this.#turnAwayTaken(message),
      ...(principals === undefined ? {} : { principals }),
      ...(keepOut === undefined ? {} : { keepOut }),
    });
  }

  add(subject: string): void {
    this.#subscriptions.add(subject);
  }

  remove(subject: string): void {
    this.#subscriptions.remove(subject);
  }

  subjects(): readonly string[] {
    return this.#subscriptions.subjects();
  }

  stats(): IntakeStats {
    return { received: this.#received, refused: this.#refused, inFlight: this.#inFlight };
  }

  async drain(): Promise<void> {
    await this.#subscriptions.drain();
    await this.#queue.empty();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  #take(taken: BrokerMessage): void {
    this.#received += 1;
    const message = incoming(taken);
    if (!this.#queue.add(message)) this.#refuse(message);
  }

  #turnAwayTaken(taken: BrokerMessage): void {
    this.#received += 1;
    this.#turnAway(incoming(taken));
  }

  #deliver(message: IncomingMessage): void {
    if (this.#inFlight >= this.#maxInFlight) {
      this.#refuse(message);
      return;
    }
    try {
      const delivering = this.#options.deliver(message);
      if (!(delivering instanceof Promise)) return;
      this.#inFlight += 1;
      delivering
        .catch((error: unknown) => this.#failed(error, message))
        .finally(() => {
          this.#inFlight -= 1;
          if (this.#inFlight === 0) this.#idle?.();
        });
    } catch (error) {
      this.#failed(error, message);
    }
  }

  #refuse(message: IncomingMessage): void {
    this.#turnAway(message);
    const { subject, data } = message;
    for (const flooder of this.#floods.turnedAway(senderOf(subject), data.length, performance.now()))
      this.#shutOut(flooder);
  }

  #turnAway(message: IncomingMessage): void {
    this.#refused += 1;
    this.#options.refuse(message, OVERLOADED);
  }

  /** What waits of him goes too: to work it off would take seconds of everybody's time. */
  #shutOut(flooder: string): void {
    if (!this.#subscriptions.shutOut(flooder)) return;
    this.#options.onShutOut?.(flooder);
    for (const message of this.#queue.drop(flooder)) this.#turnAway(message);
  }

  #failed(error: unknown, { subject }: IncomingMessage): void {
    this.#options.connection.tellProblem(error, subject);
  }
}

const incoming = ({ subject, data, reply }: BrokerMessage): IncomingMessage => ({
  subject,
  data,
  signed: undefined,
  ...(reply === undefined || reply === "" ? {} : { natsReply: reply }),
});
