// One request that waits: hands its replies on in order and ends once, by the
// final reply, an error, its deadline or whoever asked.
import type { CellError } from "../../errors/cell-error.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { acceptReply, openStream, type ReplyStream } from "../../security/replies/reply-stream.ts";

export type ReplyListener = {
  /** Each value, in order. Must not throw. */
  readonly onReply: (reply: OpenedReply) => void;
  /** Once, after the final reply (undefined) or with what ended it. Must not throw. Not called after a cancel. */
  readonly onEnd: (error: CellError | undefined) => void;
};

export type RequestFacts = {
  readonly id: Uint8Array;
  readonly hash: Uint8Array;
  /** Last token of its inbox. */
  readonly token: string;
  readonly subject: string;
  readonly timeoutMs: number;
};

export type PendingHooks = {
  readonly onEnd: (request: PendingRequest) => void;
  /** The error of a request whose deadline has passed. */
  readonly late: (request: PendingRequest) => CellError;
};

export class PendingRequest {
  readonly token: string;
  readonly subject: string;
  /** Token shared by all requests of its envelope. */
  groupToken: string | undefined;
  /** Why a reply to it was dropped. */
  distrusted: CellError | undefined;
  ended = false;
  readonly #facts: RequestFacts;
  readonly #listener: ReplyListener;
  readonly #hooks: PendingHooks;
  readonly #timer: NodeJS.Timeout;
  #stream: ReplyStream | undefined;

  constructor(facts: RequestFacts, listener: ReplyListener, hooks: PendingHooks) {
    this.token = facts.token;
    this.subject = facts.subject;
    this.#facts = facts;
    this.#listener = listener;
    this.#hooks = hooks;
    this.#timer = setTimeout(() => this.fail(hooks.late(this)), facts.timeoutMs);
  }

  /** It has left, in a message with this hash. */
  sent(messageHash: Uint8Array, groupToken: string | undefined): void {
    const { id, hash } = this.#facts;
    this.groupToken = groupToken;
    this.#stream = openStream({ id, hash, messageHash });
  }

  take(reply: OpenedReply): void {
    if (this.ended || this.#stream === undefined) return;
    const step = acceptReply(this.#stream, reply);
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

  distrust(error: CellError): void {
    this.distrusted = error;
  }

  fail(error: CellError): void {
    this.#end(error);
  }

  cancel(): void {
    if (!this.#finish()) return;
    this.#hooks.onEnd(this);
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
