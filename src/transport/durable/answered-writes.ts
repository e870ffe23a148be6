// Writes to one stream, each with the broker's answer: one inbox for all of them, one
// timer, and no more of nats.js than its socket. It is the way of every durable intent,
// twice; the stock request costs several times as much. Tries nothing again.
import { errors, type PublishOptions } from "@nats-io/nats-core";
import { InFlightMap } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, type Result } from "../../errors/result.ts";
import type { BrokerConnection, BrokerMessage, BrokerSubscription } from "../connection.ts";
import { toBrokerError } from "../nats-errors.ts";
import { readAnswer, usualAnswer } from "./write-answer.ts";
import { WriteHeaders } from "./write-headers.ts";

export type AnsweredWrite = {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sequence of the subject's last message; 0: it has none. */
  readonly expected: number;
};

type Waiting = {
  readonly subject: string;
  readonly untilMs: number;
  readonly resolve: (outcome: Result<number, CellError>) => void;
};

const NO_RESPONDERS = 503;

export class AnsweredWrites {
  readonly #connection: BrokerConnection;
  readonly #stream: string;
  readonly #timeoutMs: number;
  readonly #headers: WriteHeaders;
  readonly #usual: Uint8Array;
  /** By the last token of the reply subject; the oldest first. */
  readonly #waiting = new InFlightMap<number, Waiting>();
  readonly #inbox: string;
  #subscription: BrokerSubscription | undefined;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: BrokerConnection, stream: string, timeoutMs: number) {
    this.#connection = connection;
    this.#stream = stream;
    this.#timeoutMs = timeoutMs;
    this.#headers = new WriteHeaders(stream);
    this.#usual = usualAnswer(stream);
    this.#inbox = `${connection.newInbox()}.`;
    connection.onStatus(({ state }) => {
      if (state !== "connected") this.#end(lost);
    });
    connection.onRefusedPublish((refused, error) =>
      this.#end((subject) => (subject === refused ? error : undefined)),
    );
  }

  /**
   * The sequence of the message. Errors: BROKER_STREAM_CONFLICT, BROKER_STREAM_UNAVAILABLE,
   * BROKER_PERMISSION_DENIED, BROKER_MESSAGE_TOO_LARGE; and BROKER_TIMEOUT, BROKER_CLOSED,
   * BROKER_UNREACHABLE, after which it may be there or not. Never rejects.
   */
  write(write: AnsweredWrite): Promise<Result<number, CellError>> {
    return new Promise((resolve) => {
      try {
        this.#send(write, resolve);
      } catch (error) {
        resolve(err(toBrokerError(error, write.subject)));
      }
    });
  }

  #send({ subject, data, headers, expected }: AnsweredWrite, resolve: Waiting["resolve"]): void {
    const { nats } = this.#connection;
    if (!this.#connection.isConnected()) throw lost(subject);
    // Its answer would find nobody.
    if (nats.isDraining()) throw new errors.DrainingConnectionError();
    this.#listen();
    const token = this.#last + 1;
    const options: PublishOptions = {
      reply: `${this.#inbox}${token}`,
      headers: this.#headers.expecting(expected, headers),
    };
    nats.publish(subject, data, options);
    this.#last = token;
    this.#waiting.set(token, { subject, untilMs: performance.now() + this.#timeoutMs, resolve });
    this.#timer ??= this.#wake(this.#timeoutMs);
  }

  #listen(): void {
    if (this.#subscription !== undefined) return;
    const subscription = this.#connection.subscribe(`${this.#inbox}*`, (message) => this.#take(message));
    this.#subscription = subscription;
    void subscription.closed.then((error) => {
      this.#subscription = undefined;
      this.#end((subject) => error ?? lost(subject));
    });
  }

  #take(message: BrokerMessage): void {
    const token = Number(message.subject.slice(this.#inbox.length));
    const waiting = this.#waiting.get(token);
    // Of a write that was given up.
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    waiting.resolve(this.#outcome(message, waiting.subject));
  }

  #outcome({ data, headers }: BrokerMessage, subject: string): Result<number, CellError> {
    if (data.length > 0) return readAnswer(data, this.#usual, subject);
    return headers?.code === NO_RESPONDERS
      ? err(
          new CellError("BROKER_STREAM_UNAVAILABLE", `nobody answers for ${this.#stream}`, {
            where: subject,
          }),
        )
      : readAnswer(data, this.#usual, subject);
  }

  /** One timer for all, that of the oldest: they wait equally long. */
  #wake(afterMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (const [token, { subject, untilMs, resolve }] of this.#waiting) {
        if (untilMs > now) {
          this.#timer = this.#wake(untilMs - now);
          return;
        }
        this.#waiting.delete(token);
        resolve(err(new CellError("BROKER_TIMEOUT", undefined, { where: subject })));
      }
    }, afterMs).unref();
  }

  /** Those that `errorOf` has an error for. */
  #end(errorOf: (subject: string) => CellError | undefined): void {
    for (const [token, { subject, resolve }] of this.#waiting) {
      const error = errorOf(subject);
      if (error === undefined) continue;
      this.#waiting.delete(token);
      resolve(err(error));
    }
  }
}

const lost = (where: string): CellError =>
  new CellError("BROKER_UNREACHABLE", "the connection to the broker was lost", { where });
