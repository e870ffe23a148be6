// One request that waits: hands its replies on in order, asks to be sent again
// when nobody answers, and ends once, by the final reply, an error, its deadline
// or whoever asked. That one copy of it was turned away says nothing of another
// that is on its way: only when all of them were is the refusal its end.
import type { CellError } from "../../errors/cell-error.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { acceptReply, openStream, type ReplyStream } from "../../security/replies/reply-stream.ts";
import { type Attempts, mayBeResent, waitAfterRefusalMs, waitForAnswerMs } from "./resending.ts";

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
  /** Whether it is sent again after a refusal that advises it. */
  readonly mayRetry: boolean;
};

export type PendingHooks = {
  readonly onEnd: (request: PendingRequest) => void;
  /** Uniform in [0, 1): spreads the times at which it is sent again. */
  readonly random: () => number;
  /** Signs and publishes it again; false: nothing leaves now. Must not throw. */
  readonly resend: (request: PendingRequest) => boolean;
  /** The error of a request whose deadline has passed. @param cause why a copy of it was not begun */
  readonly late: (request: PendingRequest, cause: CellError | undefined) => CellError;
};

/** Enough for a word from the broker. */
const LAST_WORD_MS = 100;

export class PendingRequest {
  readonly facts: RequestFacts;
  /** Tokens of the envelopes that carried it. */
  readonly envelopes: string[] = [];
  /** Monotonic. */
  readonly openedAtMs = performance.now();
  ended = false;
  /** When it left last; monotonic. */
  sentAtMs = Number.POSITIVE_INFINITY;
  readonly #listener: ReplyListener;
  readonly #hooks: PendingHooks;
  #timer: NodeJS.Timeout | undefined;
  #stream: ReplyStream | undefined;
  #unanswered = 0;
  /** Whether it waits to be sent again because it was refused. */
  #wasRefused = false;
  #refused = 0;
  /** Copies that left, or are about to. */
  #copies = 1;
  /** Of them those that were turned away: nobody will begin them. */
  #turnedAway = 0;
  /** The last refusal, until it is sent again; `holds`: no copy of it can still be begun. */
  #refusal: { readonly error: CellError; readonly holds: boolean } | undefined;

  constructor(facts: RequestFacts, listener: ReplyListener, hooks: PendingHooks) {
    this.facts = facts;
    this.#listener = listener;
    this.#hooks = hooks;
    this.#arm(waitForAnswerMs(this.#attempts(), this.#hooks.random()));
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
    this.sentAtMs = performance.now();
  }

  take(reply: OpenedReply): void {
    if (this.ended || this.#stream === undefined) return;
    const step = acceptReply(this.#stream, reply);
    if (step.kind === "next" && reply.error !== undefined && this.refuse(reply.error, reply.turnedAway))
      return;
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

  /**
   * So many copies of it were not begun; 0: the answer holds for all. Returns whether it waits on:
   * to be sent again, or for word of a copy that may have been begun.
   */
  refuse(error: CellError, copies: number): boolean {
    if (this.ended) return false;
    this.#turnedAway += copies;
    const holds = copies === 0 || this.#turnedAway >= this.#copies;
    const mayRetry = this.facts.mayRetry && copies > 0;
    const waitMs = mayRetry ? waitAfterRefusalMs(error, this.#attempts(), this.#hooks.random()) : undefined;
    if (waitMs === undefined && holds) return false;
    this.#refusal = { error, holds };
    if (waitMs === undefined) return true;
    this.#refused += 1;
    this.#wasRefused = true;
    this.#arm(waitMs);
    return true;
  }

  /**
   * What was sent may be lost, or was refused: goes out again now. Shortly before its deadline
   * a refusal stands: sent again, it would end without anybody knowing whether it was begun.
   */
  again(): void {
    const { timeoutMs } = this.facts;
    const leftMs = this.openedAtMs + timeoutMs - performance.now();
    if (this.ended || this.#stream === undefined || !mayBeResent(this.#attempts())) return;
    if (this.#refusal?.holds !== true || leftMs > Math.min(LAST_WORD_MS, timeoutMs / 4)) this.#resend();
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
        ? setTimeout(() => this.fail(this.#lastWord()), Math.max(0, leftMs))
        : setTimeout(() => this.#resend(), waitMs);
  }

  /** At the deadline. */
  #lastWord(): CellError {
    if (this.#refusal?.holds === true) return this.#refusal.error;
    return this.#hooks.late(this, this.#refusal?.error);
  }

  #resend(): void {
    if (!this.#wasRefused) this.#unanswered += 1;
    this.#wasRefused = false;
    this.#arm(waitForAnswerMs(this.#attempts(), this.#hooks.random()));
    if (!this.#hooks.resend(this)) return;
    this.#copies += 1;
    if (this.#refusal !== undefined) this.#refusal = { ...this.#refusal, holds: false };
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
