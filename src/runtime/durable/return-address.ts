// Where the answers to a journaled intent go, as it stands in the journal: to an inbox on
// the bus, or to an actor of this process, which may be gone when the answer comes.
import { z } from "zod";
import type { Delivery } from "../../actors/intent.ts";
import type { Json } from "../../manifest/graph.ts";
import type { RequestRef } from "../../security/intake/verdict.ts";

const priority = z.enum(["critical", "high", "normal", "low"]);
/** Issuer, id, root's id, hash, as one piece of base64; then deadline, priority, trace and intent. */
const packed = z.string().regex(/^[A-Za-z0-9+/]{128} [0-9]{1,16} [a-z]{3,8} [0-9a-f-]* \S+$/);
const schema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("inbox"), inbox: z.string(), request: packed.transform(unpack) }),
  z.object({ kind: z.literal("local"), id: z.string() }),
]);

/** Null: nobody waits. A commit holds one for each answer, so it is short. */
export function inboxAddress(request: RequestRef, inbox: string | undefined): Json {
  if (inbox === undefined) return null;
  const { issuer, id, rootId, hash, intent, deadlineUnixMs, traceparent } = request;
  ids.set(issuer, 0);
  ids.set(id, 32);
  ids.set(rootId, 48);
  ids.set(hash, 64);
  const named = ids.toString("base64");
  const packed = `${named} ${deadlineUnixMs} ${request.priority} ${traceparent} ${intent}`;
  return { kind: "inbox", inbox, request: packed };
}

const ids = Buffer.alloc(96);

function unpack(text: string): RequestRef {
  const [named = "", deadline, level, traceparent = "", intent = ""] = text.split(" ");
  const bytes = Buffer.from(named, "base64");
  return {
    issuer: bytes.subarray(0, 32),
    id: bytes.subarray(32, 48),
    rootId: bytes.subarray(48, 64),
    hash: bytes.subarray(64, 96),
    intent,
    deadlineUnixMs: Number(deadline),
    priority: priority.parse(level),
    traceparent,
  };
}

export const localAddress = (intentId: string): Json => ({ kind: "local", id: intentId });

export type ReturnPorts = {
  readonly toInbox: (request: RequestRef, inbox: string, index: number) => Delivery["respond"];
  readonly local: LocalReturns;
};

/** The way back; to nowhere when nobody waits any more. */
export function responderOf(ports: ReturnPorts, address: Json, index: number): Delivery["respond"] {
  const parsed = schema.safeParse(address);
  if (!parsed.success) return () => {};
  if (parsed.data.kind === "local") return ports.local.to(parsed.data.id);
  return ports.toInbox(parsed.data.request, parsed.data.inbox, index);
}

/** Intents between actors of this process whose answers are awaited, at most. */
const MAX_LOCAL = 262_144;

/** Who in this process waits for the answer to which intent, until its deadline. */
export class LocalReturns {
  readonly #waiting = new Map<
    string,
    { readonly respond: Delivery["respond"]; readonly untilUnixMs: number }
  >();

  wait(intentId: string, untilUnixMs: number, respond: Delivery["respond"]): void {
    this.#waiting.delete(intentId);
    this.#waiting.set(intentId, { respond, untilUnixMs });
    if (this.#waiting.size > MAX_LOCAL) this.#sweep();
  }

  to(intentId: string): Delivery["respond"] {
    return (reply) => {
      const waiting = this.#waiting.get(intentId);
      if (reply.kind === "error" || reply.final) this.#waiting.delete(intentId);
      waiting?.respond(reply);
    };
  }

  /** Whose deadline has passed has heard so by itself; of the others the oldest go. */
  #sweep(): void {
    const now = Date.now();
    for (const [id, { untilUnixMs }] of this.#waiting) {
      if (untilUnixMs < now || this.#waiting.size > MAX_LOCAL) this.#waiting.delete(id);
    }
  }
}
