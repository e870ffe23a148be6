// Takes messages off the broker and hands them to whoever verifies them, at most so
// many at a time, and no more in one turn of the event loop than its other work bears:
// after an outage thousands come at once. What comes beyond those bounds is refused.
import { CellError } from "../errors/cell-error.ts";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";
import { TurnQueue } from "./turn-queue.ts";

/** A message that claims to be an envelope; nothing in it is verified. */
export type IncomingMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where the sender hears of refusals that come before its signature is read. */
  readonly natsReply?: string;
};

export type IntakeOptions = {
  readonly connection: BrokerConnection;
  /** Subjects with wildcards, see subjects.ts. More can be added later. */
  readonly subjects: readonly string[];
  /** Verifies and delivers. A promise counts as in hand until it settles; a throw is told to the connection's `onProblem`. */
  readonly deliver: (message: IncomingMessage) => void | Promise<void>;
  /** Hears of a message that is turned away with BROKER_OVERLOADED; it answers, counts and records. Must be quick. */
  readonly refuse: (message: IncomingMessage, error: CellError) => void;
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
const RETRY_AFTER_MS = 100;

export function subscribeIntents(options: IntakeOptions): Intake {
  const intake = new BrokerIntake(options);
  for (const subject of options.subjects) intake.add(subject);
  return intake;
}

class BrokerIntake implements Intake {
  readonly #options: IntakeOptions;
  readonly #maxInFlight: number;
  readonly #subscriptions = new Map<string, { drain(): Promise<void>; unsubscribe(): void }>();
  readonly #queue = new TurnQueue<IncomingMessage>({
    work: (message) => this.#deliver(message),
    senderOf: ({ subject }) => senderOf(subject),
    bytesOf: ({ data, subject }) => data.length + subject.length,
  });
  #inFlight = 0;
  #received = 0;
  #refused = 0;
  #idle: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  }

  add(subject: string): void {
    if (this.#subscriptions.has(subject)) return;
    const subscription = this.#options.connection.subscribe(subject, (message) => this.#take(message));
    this.#subscriptions.set(subject, subscription);
  }

  remove(subject: string): void {
    this.#subscriptions.get(subject)?.unsubscribe();
    this.#subscriptions.delete(subject);
  }

  subjects(): readonly string[] {
    return [...this.#subscriptions.keys()];
  }

  stats(): IntakeStats {
    return { received: this.#received, refused: this.#refused, inFlight: this.#inFlight };
  }

  async drain(): Promise<void> {
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    await this.#queue.empty();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  #take({ subject, data, reply }: BrokerMessage): void {
    this.#received += 1;
    const message: IncomingMessage = {
      subject,
      data,
      ...(reply === undefined || reply === "" ? {} : { natsReply: reply }),
    };
    if (!this.#queue.add(message)) this.#refuse(message);
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
    this.#refused += 1;
    const options = { where: message.subject, retryAfterMs: RETRY_AFTER_MS };
    this.#options.refuse(message, new CellError("BROKER_OVERLOADED", undefined, options));
  }

  #failed(error: unknown, { subject }: IncomingMessage): void {
    this.#options.connection.tellProblem(error, subject);
  }
}

/** `cell0.v1.<cell>.in.<principal>...`: the broker lets nobody publish under another's name. */
const senderOf = (subject: string): string => subject.split(".", 5)[4] ?? "";
