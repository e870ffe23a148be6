// Requests of this node's actors to actors of other nodes, until they are answered. What
// is sent again may be signed anew: the answer to any of its capsules is the answer.
import { InFlightMap } from "../collections/in-flight.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok } from "../errors/result.ts";
import { toHex } from "../security/bytes.ts";
import type { BuiltIntent } from "../security/intents/build-intent.ts";
import { type OpenedReply, openReplies } from "../security/replies/open-replies.ts";
import { acceptReply, openStream, type ReplyStream } from "../security/replies/reply-stream.ts";
import { parseJson } from "../wire/json-keys.ts";
import type { Answer } from "./local-delivery.ts";
import type { SendPorts } from "./sends.ts";

export type Waiting = {
  readonly target: string;
  readonly timeoutMs: number;
  /** Node that the target was placed on when the request left. */
  readonly home: string;
  readonly onReply: (answer: Answer) => void;
  /** For what may be sent again: the target has it already. */
  readonly taken: (() => void) | undefined;
};

type Pending = Waiting & {
  /** By the hash of the capsule. */
  readonly streams: Map<string, ReplyStream>;
  readonly timer: NodeJS.Timeout;
};

/** Requests that wait, at most. */
const MAX_PENDING = 65_536;
/** Refusals of what was sent again that say that the target took it before. */
const HAS_IT: ReadonlySet<string> = new Set(["CAPSULE_ID_REUSED", "CAPSULE_REPEATED_TOO_OFTEN"]);

export class PendingReplies {
  readonly #ports: Pick<SendPorts, "replyTrust" | "authority">;
  readonly #pending = new InFlightMap<string, Pending>();

  constructor(ports: Pick<SendPorts, "replyTrust" | "authority">) {
    this.#ports = ports;
  }

  /** False: too many wait. Whoever sent it last is told. */
  wait({ id, hash }: BuiltIntent, waiting: Waiting): boolean {
    const name = toHex(id);
    const known = this.#pending.get(name);
    if (known === undefined && this.#pending.size >= MAX_PENDING) return false;
    const streams = known?.streams ?? new Map<string, ReplyStream>();
    const timer = known?.timer ?? setTimeout(() => this.#pending.delete(name), waiting.timeoutMs).unref();
    if (!streams.has(toHex(hash))) streams.set(toHex(hash), openStream({ id, hash, messageHash: hash }));
    this.#pending.set(name, { ...waiting, streams, timer });
    return true;
  }

  /** A message that came to this node's inbox. */
  takeReply(subject: string, data: Uint8Array): void {
    const opened = openReplies(data, subject, this.#ports.replyTrust, Date.now());
    if (!opened.ok) return;
    for (const reply of opened.value) {
      const waiting = this.#pending.get(toHex(reply.requestId));
      if (waiting !== undefined && this.#answersFor(reply, waiting)) this.#take(reply, waiting);
    }
  }

  #take(reply: OpenedReply, waiting: Pending): void {
    const hash = toHex(reply.requestHash);
    const stream = waiting.streams.get(hash);
    if (stream === undefined) return;
    if (waiting.taken !== undefined && HAS_IT.has(reply.error?.code ?? "")) {
      waiting.taken();
      return;
    }
    const step = acceptReply(stream, reply);
    waiting.streams.set(hash, step.stream);
    if (step.kind === "next") this.#settle(reply, waiting, answerOf(reply));
    else if (step.kind === "fault" && step.error.code !== "CAPSULE_REPLY_UNBOUND") {
      this.#settle(reply, waiting, err(step.error));
    }
  }

  #settle({ requestId }: OpenedReply, { timer, onReply }: Pending, answer: Answer): void {
    if (!answer.ok || answer.value.final) {
      clearTimeout(timer);
      this.#pending.delete(toHex(requestId));
    }
    onReply(answer);
  }

  /** Every node hears what is sent; only the one that has the target may answer. */
  #answersFor({ node }: OpenedReply, { target, home }: Pending): boolean {
    return node === home || node === this.#ports.authority.placementOf(target);
  }
}

function answerOf({ error, payload, contentType, final, index }: OpenedReply): Answer {
  if (error !== undefined) return err(error);
  if (payload.length === 0) return ok({ value: undefined, final, index });
  if (contentType !== "application/json") return ok({ value: payload, final, index });
  try {
    return ok({ value: parseJson(new TextDecoder().decode(payload)), final, index });
  } catch (cause) {
    return err(new CellError("CAPSULE_MALFORMED", "the reply is not JSON", { cause }));
  }
}
