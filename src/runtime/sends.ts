// What actors send: to an actor of this process the same capsule passes the same
// capability check and goes straight to its mailbox; to any other it is signed
// and leaves. Every request ends with a reply or with its deadline.
import type { OutgoingIntent } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { toHex } from "../security/bytes.ts";
import { capabilityField } from "../security/capability/capability-text.ts";
import { type BuiltIntent, buildIntent } from "../security/intents/build-intent.ts";
import type { CapsuleMaker } from "../security/replies/build-reply.ts";
import type { ReplyTrust } from "../security/replies/open-replies.ts";
import type { Sealer } from "../security/sealing/sealer.ts";
import type { Incarnation } from "../security/wire/capsule.ts";
import type { SealTicket } from "./deliveries.ts";
import { type Answer, deliverHere, type LocalPorts } from "./local-delivery.ts";
import { PendingReplies } from "./pending-replies.ts";
import { sendRefused } from "./refusal-event.ts";
import { toolRefusal, toolTarget } from "./tool-grants.ts";

export type Sender = { readonly path: string; readonly incarnation: Incarnation };

export type SendPorts = LocalPorts & {
  readonly maker: CapsuleMaker;
  readonly sealer: Sealer<SealTicket>;
  readonly replyTrust: ReplyTrust;
  /** Subject of an actor's intents, from this node. */
  readonly subjectOf: (path: string) => string;
  /** Subject below this node's own inbox prefix. */
  readonly inbox: string;
};

export type PostedIntent = Pick<OutgoingIntent, "target" | "timeoutMs"> & {
  /** Hears every reply; at the latest an error at the deadline. */
  readonly onReply: (answer: Answer) => void;
};

export type Sends = {
  /** Never throws; a failure is the request's answer, or recorded when there is no one to answer. */
  send(from: Sender, intent: OutgoingIntent): void;
  /** The same for an intent that a durable actor has committed, and may send again. */
  post(built: BuiltIntent, intent: PostedIntent, taken: (outcome: Result<unknown, CellError>) => void): void;
  /** A message that came to this node's inbox. */
  takeReply(subject: string, data: Uint8Array): void;
};

export function createSends(ports: SendPorts): Sends {
  const pending = new PendingReplies(ports);
  /** By incarnation; what has ended is forgotten. */
  const sequences = new WeakMap<Sender, number>();

  const send = (from: Sender, given: OutgoingIntent): void => {
    const intent = { ...given, target: toolTarget(given.target, ports.node) };
    const settle = settler(intent);
    const sequence = (sequences.get(from) ?? 0) + 1;
    sequences.set(from, sequence);
    const built = build(ports, from, sequence, intent);
    if (!built.ok) {
      settle(built);
      recordFailure(ports, from, intent, built.error);
      return;
    }
    const { target, intent: type, cause } = intent;
    ports.record({
      actor: from.path,
      incarnation: from.incarnation,
      intent: cause,
      kind: { case: "sent", value: { id: toHex(built.value.id), target, intent: type } },
    });
    const home = ports.authority.placementOf(target);
    if (home === ports.node) {
      deliverHere(ports, built.value, settle, (outcome) => {
        if (outcome.ok) return;
        const refused = toolRefusal(from.path, intent, outcome.error, ports.node);
        settle(err(refused?.error ?? outcome.error));
        if (refused === undefined) recordFailure(ports, from, intent, outcome.error);
        else ports.record(refused.event);
      });
    } else if (home === undefined) {
      const error = new CellError("ACTOR_NOT_FOUND", "no actor has this path", { where: target });
      settle(err(error));
      recordFailure(ports, from, intent, error);
    } else leave(built.value, intent, home, settle);
  };

  const post: Sends["post"] = (built, intent, taken) => {
    const home = ports.authority.placementOf(intent.target);
    if (home === ports.node) deliverHere(ports, built, intent.onReply, taken);
    else if (home === undefined) {
      taken(err(new CellError("ACTOR_NOT_FOUND", "no actor has this path", { where: intent.target })));
    } else leave(built, intent, home, intent.onReply, () => taken(ok(undefined)));
  };

  const leave = (
    built: BuiltIntent,
    intent: Pick<OutgoingIntent, "target" | "timeoutMs" | "onReply">,
    home: string,
    settle: (answer: Answer) => void,
    taken?: () => void,
  ): void => {
    const { target, timeoutMs, onReply } = intent;
    const waits =
      onReply === undefined || pending.wait(built, { target, timeoutMs, home, onReply: settle, taken });
    if (waits) ports.sealer.seal(ports.subjectOf(target), built.bytes, { kind: "intent" });
    else settle(err(new CellError("ACTOR_MAILBOX_FULL", "too many requests wait for other nodes")));
  };

  return { send, post, takeReply: (subject, data) => pending.takeReply(subject, data) };
}

function build(
  ports: SendPorts,
  from: Sender,
  sequence: number,
  intent: OutgoingIntent,
): Result<BuiltIntent, CellError> {
  const held = capabilityField(intent.capability);
  if (!held.ok) return held;
  let payload: Uint8Array;
  try {
    payload = new TextEncoder().encode(JSON.stringify(intent.payload ?? {}));
  } catch (cause) {
    return err(
      new CellError("ACTOR_PAYLOAD_INVALID", "the payload is not JSON", { where: intent.target, cause }),
    );
  }
  return buildIntent(
    {
      target: intent.target,
      intent: intent.intent,
      payload,
      contentType: "application/json",
      ...held.value,
      deadlineUnixMs: Date.now() + intent.timeoutMs,
      replyInbox: intent.onReply === undefined ? "" : ports.inbox,
      priority: intent.priority,
      traceparent: intent.cause?.traceparent ?? "",
      cause: intent.cause,
      source: { actor: from.path, incarnation: from.incarnation, sequence },
    },
    ports.maker,
  );
}

/** Hands answers on until the final one; at the deadline it answers itself. */
function settler({ onReply, target, timeoutMs }: OutgoingIntent): (answer: Answer) => void {
  if (onReply === undefined) return () => {};
  let ended = false;
  const finish = (answer: Answer) => {
    if (ended) return;
    if (!answer.ok || answer.value.final) {
      ended = true;
      clearTimeout(timer);
    }
    onReply(answer);
  };
  const timer = setTimeout(
    () => finish(err(new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { where: target }))),
    timeoutMs,
  );
  return finish;
}

const recordFailure = (ports: SendPorts, from: Sender, intent: OutgoingIntent, error: CellError): void =>
  ports.record(sendRefused({ ...intent, node: ports.node, source: from.path, error }));
