// Sends signed intents and brings their replies home: one inbox subscription,
// one signature for all that is sent in a turn, a deadline on everything. What
// nobody answers is sent again, the same capsule, as resending.ts says.
import { CellError } from "../../errors/cell-error.ts";
import { sha256 } from "../../security/bytes.ts";
import { buildIntent, type Cause } from "../../security/intents/build-intent.ts";
import type { SigningKey } from "../../security/keys/signing-key.ts";
import type { CapsuleMaker } from "../../security/replies/build-reply.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { createSealer, type Sealed, type Sealer } from "../../security/sealing/sealer.ts";
import type { Source } from "../../security/wire/capsule.ts";
import type { PriorityName } from "../../security/wire/priority.ts";
import type { BrokerConnection, BrokerMessage, BrokerSubscription } from "../connection.ts";
import { publishEnvelope } from "../intake.ts";
import { inboxPrefix, intentSubject } from "../subjects.ts";
import { PendingRequest, type ReplyListener } from "./pending-request.ts";
import { createReplyReader, type ReplyReader, type ReplyTrustSource } from "./reply-reader.ts";

export type RequesterOptions = {
  readonly connection: BrokerConnection;
  readonly cell: string;
  readonly principal: string;
  readonly key: SigningKey;
  readonly trust: ReplyTrustSource;
  readonly maker: CapsuleMaker;
  /** Random token of [A-Za-z0-9_-] that tells this requester's inboxes from others of the same principal. */
  readonly instance: string;
  readonly nowUnixMs?: () => number;
  readonly onProblem?: (error: CellError) => void;
  /** Requests that wait for a reply; default 16,384. */
  readonly maxPending?: number;
};

export type IntentToSend = {
  readonly target: string;
  readonly intent: string;
  readonly payload: Uint8Array;
  readonly contentType: string;
  /** Milliseconds from now. */
  readonly timeoutMs: number;
  readonly priority?: PriorityName;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly cause?: Cause;
  readonly source?: Source;
  readonly hopLimit?: number;
};

export type SentIntent = {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** Forgets the request; replies that still come are dropped. The intent itself cannot be taken back. */
  cancel(): void;
};

/** As much as a capsule's freshness lets a node accept. */
export const MAX_TIMEOUT_MS = 3_600_000;
const MAX_PENDING = 16_384;

export class Requester {
  readonly #options: RequesterOptions;
  readonly #sealer: Sealer<PendingRequest | undefined>;
  readonly #reader: ReplyReader;
  readonly #subscription: BrokerSubscription;
  readonly #prefix: string;
  /** By the last token of the inbox: one request, or all of one envelope. */
  readonly #pending = new Map<string, ReadonlySet<PendingRequest>>();
  readonly #nowUnixMs: () => number;
  readonly #unfollow: () => void;
  #count = 0;
  #nextToken = 0;
  #closed = false;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#nowUnixMs = options.nowUnixMs ?? Date.now;
    this.#prefix = `${inboxPrefix(options.cell, options.principal)}.${options.instance}.`;
    this.#sealer = createSealer({
      key: options.key,
      genesisHash: options.trust.genesisHash,
      schedule: (flush) => setImmediate(flush),
      publish: (sealed) => this.#publish(sealed),
      firstBatch: BigInt(Math.trunc(this.#nowUnixMs())) * 1000n,
    });
    this.#reader = createReplyReader({
      trust: options.trust,
      nowUnixMs: this.#nowUnixMs,
      onReplies: (subject, replies) => this.#takeReplies(subject, replies),
      onDropped: (subject, error) => this.#drop(subject, error),
    });
    this.#subscription = options.connection.subscribe(`${this.#prefix}>`, (message) => this.#take(message));
    this.#unfollow = options.connection.onStatus(({ state }) => {
      if (state === "connected") this.#allAgain();
    });
  }

  /**
   * Signs and publishes at the end of this turn of the event loop. The listener
   * hears each reply in order and one end; without a listener no reply is asked
   * for. Throws what cannot be signed, BROKER_SUBJECT_INVALID, BROKER_OVERLOADED
   * and BROKER_CLOSED; all later failures are the listener's end.
   */
  open(intent: IntentToSend, listener?: ReplyListener): SentIntent {
    const { cell, principal, maker, maxPending } = this.#options;
    const { timeoutMs, ...fields } = intent;
    if (this.#closed) throw new CellError("BROKER_CLOSED", undefined, { where: intent.target });
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`a timeout is more than 0 and at most ${MAX_TIMEOUT_MS} ms`);
    }
    if (listener !== undefined && this.#count >= (maxPending ?? MAX_PENDING)) {
      throw new CellError("BROKER_OVERLOADED", "too many requests wait for their replies", {
        where: intent.target,
      });
    }
    const subject = intentSubject(cell, principal, intent.target);
    const token = listener === undefined ? "" : this.#token();
    const built = buildIntent(
      {
        ...fields,
        deadlineUnixMs: Math.ceil(this.#nowUnixMs() + timeoutMs),
        replyInbox: token === "" ? "" : `${this.#prefix}${token}`,
      },
      maker,
    );
    if (!built.ok) throw built.error;
    const { id, bytes, hash } = built.value;
    if (listener === undefined) {
      this.#sealer.seal(subject, bytes, undefined);
      return { id, cancel: () => undefined };
    }
    const pending = new PendingRequest({ id, bytes, hash, token, subject, timeoutMs }, listener, {
      onEnd: (request) => this.#forget(request),
      resend: (request) => this.#resend(request),
      late: (request) => this.#lateError(request),
    });
    this.#count += 1;
    this.#pending.set(token, new Set([pending]));
    this.#sealer.seal(subject, bytes, pending);
    return { id, cancel: () => pending.cancel() };
  }

  /** Requests that wait for replies. */
  pending(): number {
    return this.#count;
  }

  /** Publishes what is still to be signed; ends what waits with BROKER_CLOSED. The connection stays open. */
  close(): void {
    if (this.#closed) return;
    this.#sealer.flush();
    this.#closed = true;
    this.#unfollow();
    this.#subscription.unsubscribe();
    for (const requests of this.#pending.values()) {
      for (const request of requests)
        request.fail(new CellError("BROKER_CLOSED", undefined, { where: request.subject }));
    }
    this.#pending.clear();
  }

  /** While the broker is away what was sent waits for its return: it would only fill the buffer. */
  #resend(request: PendingRequest): void {
    if (this.#closed || !this.#options.connection.isConnected()) return;
    this.#sealer.seal(request.subject, request.facts.bytes, request);
  }

  /** What the broker had when it was lost may have reached nobody. */
  #allAgain(): void {
    const waiting = new Set([...this.#pending.values()].flatMap((requests) => [...requests]));
    for (const request of waiting) request.again();
  }

  #token(): string {
    this.#nextToken += 1;
    return this.#nextToken.toString(36);
  }

  /** A token of its own for many requests of one envelope: the broker and a node that cannot read it answer there. */
  #publish({ subject, envelope, tickets }: Sealed<PendingRequest | undefined>): void {
    const requests = tickets.filter((ticket) => ticket?.ended === false).flatMap((ticket) => ticket ?? []);
    const [first, second] = requests;
    const messageHash = sha256(envelope);
    let token = first?.token;
    if (second !== undefined) {
      token = this.#token();
      this.#pending.set(token, new Set(requests));
    }
    for (const request of requests) request.sent(messageHash, second === undefined ? undefined : token);
    try {
      const natsReply = token === undefined ? undefined : `${this.#prefix}${token}`;
      publishEnvelope(this.#options.connection, subject, envelope, natsReply);
    } catch (error) {
      const failure =
        error instanceof CellError ? error : new CellError("BROKER_UNREACHABLE", undefined, { cause: error });
      for (const request of requests) request.fail(failure);
      if (requests.length === 0) this.#options.onProblem?.(failure);
    }
  }

  #take({ subject, data, headers }: BrokerMessage): void {
    const requests = this.#requestsOf(subject);
    if (requests === undefined) return;
    if (headers?.code === 503 && data.length === 0) {
      for (const request of requests) {
        const error = new CellError("BROKER_NO_RESPONDERS", undefined, { where: request.subject });
        if (!request.ended && !request.refuse(error)) request.fail(error);
      }
      return;
    }
    this.#reader.read({ subject, data });
  }

  #takeReplies(subject: string, replies: readonly OpenedReply[]): void {
    for (const reply of replies) {
      for (const request of this.#requestsOf(subject) ?? []) request.take(reply);
    }
  }

  #drop(subject: string, error: CellError): void {
    for (const request of this.#requestsOf(subject) ?? []) request.distrust(error);
    this.#options.onProblem?.(error);
  }

  #requestsOf(subject: string): ReadonlySet<PendingRequest> | undefined {
    return subject.startsWith(this.#prefix)
      ? this.#pending.get(subject.slice(this.#prefix.length))
      : undefined;
  }

  #forget(request: PendingRequest): void {
    this.#count -= 1;
    this.#pending.delete(request.token);
    for (const token of request.groupTokens) {
      if ([...(this.#pending.get(token) ?? [])].every(({ ended }) => ended)) this.#pending.delete(token);
    }
  }

  #lateError({ subject, distrusted }: PendingRequest): CellError {
    const where = { where: subject };
    if (distrusted !== undefined)
      return new CellError("BROKER_REPLY_UNTRUSTED", undefined, { ...where, cause: distrusted });
    if (!this.#options.connection.isConnected()) return new CellError("BROKER_UNREACHABLE", undefined, where);
    return new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, where);
  }
}
