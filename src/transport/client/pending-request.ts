// One request that waits: hands its replies on in order, asks to be sent again
// when nobody answers, and ends once, by the final reply, an error, its deadline
// or whoever asked.
import type { CellError } from "../../errors/cell-error.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { acceptReply, openStream, type ReplyStream } from "../../security/replies/reply-stream.ts";
import { type Attempts, waitAfterRefusalMs, waitForAnswerMs } from "./resending.ts";

export type ReplyListener = {
  /** Each value, in order. Must not throw. */
  readonly onReply: (reply: OpenedReply) => void;
  /** Once, after the final reply (undefined) or with what ended it. Must not throw. Not called after a cancel. */
  readonly onEnd: (error: CellError | undefined) => void;
};

export type RequestFacts = {
  readonly id: Uint8Array;
  /** Capsule bytes: what is sent again. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly subject: string;
  readonly timeoutMs: number;
};

export type PendingHooks = {
  readonly onEnd: (request: PendingRequest) => void;
  /** Signs and publishes it again. Must not throw. */
  readonly resend: (request: PendingRequest) => void;
  /** The error of a request whose deadline has passed. */
  readonly late: (request: PendingRequest) => CellError;
};

export class PendingRequest {
  readonly facts: RequestFacts;
  /** Tokens of the envelopes that carried it. */
  readonly envelopes: string[] = [];
  /** Monotonic. */
  readonly openedAtMs = performance.now();
  ended = false;
  readonly #listener: ReplyListener;
  readonly #hooks: PendingHooks;
  #timer: NodeJS.Timeout | undefined;
  #stream: ReplyStream | undefined;
  #unanswered = 0;
  #refused = 0;
  /** The last refusal, until it is sent again. */
  #refusal: CellError | undefined;

  constructor(facts: RequestFacts, listener: ReplyListener, hooks: PendingHooks) {
    this.facts = facts;
    this.#listener = listener;
    this.#hooks = hooks;
    this.#arm(waitForAnswerMs(this.#attempts(), Math.random()));
  }

  get subject(): string {
    return this.facts.subject;
  }

  /** It has left, in a message with this hash. */
  sent(messageHash: Uint8Array, envelope: string | undefined): void {
    const { id, hash } = this.facts;
    if (envelope !== undefined) this.envelopes.push(envelope);
    const request = { id, hash, messageHash };
    this.#stream = this.#stream === undefined ? openStream(request) : { ...this.#stream, request };
    this.#refusal = undefined;
  }

  take(reply: OpenedReply): void {
    if (this.ended || this.#stream === undefined) return;
    const step = acceptReply(this.#stream, reply);
    if (step.kind === "next" && reply.error !== undefined && this.refuse(reply.error)) return;
    this.#stream = step.stream;
    if (step.kind === "fault" && step.error.code !== "CAPSULE_REPLY_UNBOUND") this.fail(step.error);
    if (step.kind !== "next") return;
    if (reply.error !== undefined) {
      this.fail(reply.error);
      return;
    }
    this.#listener.onReply(reply);
    if (reply.final) this.#end(undefined);
  }

  /** Nobody began it: whether it waits to be sent again. */
  refuse(error: CellError): boolean {
    const waitMs = waitAfterRefusalMs(error, this.#attempts(), Math.random());
    if (this.ended || waitMs === undefined) return false;
    this.#refused += 1;
    this.#refusal = error;
    this.#arm(waitMs);
    return true;
  }

  /** What was sent may be lost: goes out again now. */
  again(): void {
    if (!this.ended && this.#stream !== undefined) this.#resend();
  }

  fail(error: CellError): void {
    this.#end(error);
  }

  cancel(): void {
    if (!this.#finish()) return;
    this.#hooks.onEnd(this);
  }

  #attempts(): Attempts {
    return {
      ageMs: performance.now() - this.openedAtMs,
      unanswered: this.#unanswered,
      refused: this.#refused,
    };
  }

  /** @param waitMs until it is sent again; undefined: never */
  #arm(waitMs: number | undefined): void {
    clearTimeout(this.#timer);
    const leftMs = this.openedAtMs + this.facts.timeoutMs - performance.now();
    this.#timer =
      waitMs === undefined || waitMs >= leftMs
        ? setTimeout(() => this.fail(this.#refusal ?? this.#hooks.late(this)), leftMs)
        : setTimeout(() => this.#resend(), waitMs);
  }

  #resend(): void {
    if (this.#refusal === undefined) this.#unanswered += 1;
    this.#arm(waitForAnswerMs(this.#attempts(), Math.random()));
    this.#hooks.resend(this);
  }

  #end(error: CellError | undefined): void {
    if (!this.#finish()) return;
    this.#hooks.onEnd(this);
    this.#listener.onEnd(error);
  }

  #finish(): boolean {
    if (this.ended) return false;
    this.ended = true;
    clearTimeout(this.#timer);
    return true;
  }
}
