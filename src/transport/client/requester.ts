// Sends signed intents and brings their replies home: one inbox subscription,
// one signature for all that is sent in a turn, one inbox for all replies, so that
// those of a turn travel together too, a deadline on everything. What
// nobody answers is sent again, the same capsule, as resending.ts says.
import { InFlightMap } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import { mapKey, sha256 } from "../../security/bytes.ts";
import { buildIntent, type Cause } from "../../security/intents/build-intent.ts";
import type { SigningKey } from "../../security/keys/signing-key.ts";
import type { CapsuleMaker } from "../../security/replies/build-reply.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { createSealer, type Sealed, type Sealer } from "../../security/sealing/sealer.ts";
import type { Source } from "../../security/wire/capsule.ts";
import type { PriorityName } from "../../security/wire/priority.ts";
import type { BrokerConnection, BrokerMessage, BrokerSubscription } from "../connection.ts";
import { publishEnvelope } from "../publish-envelope.ts";
import { inboxPrefix, intentSubject } from "../subjects.ts";
import { nextTurn } from "../turn.ts";
import { Knocking } from "./knocking.ts";
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
  /** Chain of capability tokens that it rests on; default: what its sender is granted. */
  readonly capability?: Uint8Array;
  readonly source?: Source;
  readonly hopLimit?: number;
  /** Sends again what is refused for now, as the refusal advises, until the deadline; default true. */
  readonly retry?: boolean;
};

export type SentIntent = {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** Forgets the request; replies that still come are dropped. The intent itself cannot be taken back. */
  cancel(): void;
};

/** What has gone over the bus so far: how many capsules share a message, and with it one proof. */
export type Traffic = {
  readonly sentMessages: number;
  /** In them, those that were sent again included. */
  readonly intents: number;
  /** Of those that could be verified. */
  readonly receivedMessages: number;
  readonly replies: number;
};

/** As much as a capsule's freshness lets a node accept. */
export const MAX_TIMEOUT_MS = 3_600_000;
const MAX_PENDING = 16_384;
const DRAWN_FOR_MS = 10;
/** Last token of the inbox that replies come to: one for all, so that those of one turn travel together. */
const REPLIES = "replies";

export class Requester {
  readonly #options: RequesterOptions;
  readonly #sealer: Sealer<PendingRequest | undefined>;
  readonly #reader: ReplyReader;
  readonly #subscription: BrokerSubscription;
  readonly #prefix: string;
  /** By id. */
  readonly #pending = new InFlightMap<string, PendingRequest>();
  /** By the last token of the inbox that the broker knows: the requests of one envelope that still wait. */
  readonly #envelopes = new InFlightMap<string, Set<PendingRequest>>();
  readonly #nowUnixMs: () => number;
  readonly #unfollow: () => void;
  readonly #knocking: Knocking;
  #nextToken = 0;
  #drawn = { random: 0, untilMs: 0 };
  /** The last reply that could not be trusted: why some request may have got none. */
  #dropped: { readonly error: CellError; readonly atMs: number } | undefined;
  #closed = false;
  readonly #traffic = { sentMessages: 0, intents: 0, receivedMessages: 0, replies: 0 };

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#nowUnixMs = options.nowUnixMs ?? Date.now;
    this.#prefix = `${inboxPrefix(options.cell, options.principal)}.${options.instance}.`;
    this.#sealer = createSealer({
      key: options.key,
      genesisHash: options.trust.genesisHash,
      schedule: nextTurn,
      publish: (sealed) => this.#publish(sealed),
      firstBatch: BigInt(Math.trunc(this.#nowUnixMs())) * 1000n,
    });
    this.#reader = createReplyReader({
      trust: options.trust,
      nowUnixMs: this.#nowUnixMs,
      onReplies: (subject, replies) => this.#takeReplies(subject, replies),
      onDropped: (_subject, error) => this.#drop(error),
    });
    this.#subscription = options.connection.subscribe(`${this.#prefix}>`, (message) => this.#take(message));
    this.#knocking = new Knocking({
      pending: () => this.#pending.values(),
      nowMs: () => performance.now(),
    });
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
    const { timeoutMs, retry = true, ...fields } = intent;
    if (this.#closed) throw new CellError("BROKER_CLOSED", undefined, { where: intent.target });
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`a timeout is more than 0 and at most ${MAX_TIMEOUT_MS} ms`);
    }
    if (listener !== undefined && this.#pending.size >= (maxPending ?? MAX_PENDING)) {
      throw new CellError("BROKER_OVERLOADED", "too many requests wait for their replies", {
        where: intent.target,
      });
    }
    const subject = intentSubject(cell, principal, intent.target);
    const built = buildIntent(
      {
        ...fields,
        deadlineUnixMs: Math.ceil(this.#nowUnixMs() + timeoutMs),
        replyInbox: listener === undefined ? "" : `${this.#prefix}${REPLIES}`,
      },
      maker,
    );
    if (!built.ok) throw built.error;
    const { id, bytes, hash } = built.value;
    if (listener === undefined) {
      this.#sealer.seal(subject, bytes, undefined);
      return { id, cancel: () => undefined };
    }
    const pending = new PendingRequest({ id, bytes, hash, subject, timeoutMs, mayRetry: retry }, listener, {
      random: () => this.#random(),
      onEnd: (request) => this.#forget(request),
      resend: (request) => this.#resend(request),
      late: (request, cause) => this.#lateError(request, cause),
    });
    this.#pending.set(mapKey(id), pending);
    this.#sealer.seal(subject, bytes, pending);
    return { id, cancel: () => pending.cancel() };
  }

  /** Requests that wait for replies. */
  pending(): number {
    return this.#pending.size;
  }

  traffic(): Traffic {
    return { ...this.#traffic };
  }

  /** Publishes what is still to be signed; ends what waits with BROKER_CLOSED. The connection stays open. */
  close(): void {
    if (this.#closed) return;
    this.#sealer.flush();
    this.#closed = true;
    this.#unfollow();
    this.#knocking.stop();
    this.#subscription.unsubscribe();
    for (const request of [...this.#pending.values()]) {
      request.fail(new CellError("BROKER_CLOSED", undefined, { where: request.subject }));
    }
  }

  /** While the broker is away what was sent waits for its return: it would only fill the buffer. */
  #resend(request: PendingRequest): boolean {
    if (this.#closed || !this.#options.connection.isConnected()) return false;
    this.#sealer.seal(request.subject, request.facts.bytes, request);
    return true;
  }

  /** What the broker had when it was lost may have reached nobody. */
  #allAgain(): void {
    for (const request of [...this.#pending.values()]) request.again();
  }

  /** The same for a while: what was sent together goes again together, under one signature. */
  #random(): number {
    const nowMs = performance.now();
    if (nowMs >= this.#drawn.untilMs) this.#drawn = { random: Math.random(), untilMs: nowMs + DRAWN_FOR_MS };
    return this.#drawn.random;
  }

  #token(): string {
    this.#nextToken += 1;
    return `e${this.#nextToken.toString(36)}`;
  }

  /** An inbox of its own for each envelope: the broker, and a node that cannot read it, answer there. */
  #publish({ subject, envelope, tickets }: Sealed<PendingRequest | undefined>): void {
    const requests = tickets.filter((ticket) => ticket?.ended === false).flatMap((ticket) => ticket ?? []);
    this.#traffic.sentMessages += 1;
    this.#traffic.intents += tickets.length;
    const messageHash = sha256(envelope);
    const token = requests.length === 0 ? undefined : this.#token();
    if (token !== undefined) this.#envelopes.set(token, new Set(requests));
    for (const request of requests) request.sent(messageHash, token);
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
    if (headers?.code === 503 && data.length === 0) this.#noResponders(this.#requestsOf(subject));
    else this.#reader.read({ subject, data });
  }

  #noResponders(requests: readonly PendingRequest[]): void {
    for (const request of requests) {
      const error = new CellError("BROKER_NO_RESPONDERS", undefined, { where: request.subject });
      if (request.ended) continue;
      if (request.refuse(error, 1)) this.#knocking.refused(request);
      else request.fail(error);
    }
  }

  #takeReplies(subject: string, replies: readonly OpenedReply[]): void {
    this.#traffic.receivedMessages += 1;
    this.#traffic.replies += replies.length;
    const ofEnvelope = this.#requestsOf(subject);
    for (const reply of replies) {
      const named = this.#pending.get(mapKey(reply.requestId));
      if (named !== undefined) this.#takeReply(named, reply);
      else for (const request of ofEnvelope) request.take(reply);
    }
  }

  #takeReply(request: PendingRequest, reply: OpenedReply): void {
    this.#knocking.answered(request);
    request.take(reply);
  }

  #drop(error: CellError): void {
    this.#dropped = { error, atMs: performance.now() };
    this.#options.onProblem?.(error);
  }

  #requestsOf(subject: string): readonly PendingRequest[] {
    return [...(this.#envelopes.get(subject.slice(this.#prefix.length)) ?? [])];
  }

  #forget(request: PendingRequest): void {
    this.#knocking.forget(request);
    this.#pending.delete(mapKey(request.facts.id));
    for (const token of request.envelopes) {
      const waiting = this.#envelopes.get(token);
      waiting?.delete(request);
      if (waiting?.size === 0) this.#envelopes.delete(token);
    }
  }

  #lateError({ subject, openedAtMs }: PendingRequest, cause: CellError | undefined): CellError {
    const where = { where: subject };
    if (this.#dropped !== undefined && this.#dropped.atMs >= openedAtMs)
      return new CellError("BROKER_REPLY_UNTRUSTED", undefined, { ...where, cause: this.#dropped.error });
    if (!this.#options.connection.isConnected())
      return new CellError("BROKER_UNREACHABLE", undefined, { ...where, cause });
    return new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { ...where, cause });
  }
}
