// From a verdict to the actor and back: accepted intents go to their actor's
// mailbox, everything else is answered with its code; replies become signed
// capsules. Nothing here judges; intake has.
import type { Delivery, OutgoingReply } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, type Result } from "../errors/result.ts";
import type { CountedUse } from "../security/intake/authority.ts";
import type { Accepted, Duplicate, RequestRef, Stage, Verdict } from "../security/intake/verdict.ts";
import type { ReplayWindow } from "../security/replay/replay-window.ts";
import { buildReply, type CapsuleMaker, type ReplyContent } from "../security/replies/build-reply.ts";
import type { Sealer } from "../security/sealing/sealer.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { Acceptance } from "./durable/journal-intent.ts";
import { inboxAddress } from "./durable/return-address.ts";
import { refusalEvent } from "./refusal-event.ts";
import type { SpentFor } from "./spent-tokens.ts";

/** What is to be done when a capsule leaves: a reply is kept for who asks again. */
export type SealTicket =
  | {
      readonly kind: "reply";
      readonly issuer: Uint8Array;
      readonly id: Uint8Array;
      readonly final: boolean;
      readonly capsule: Uint8Array;
    }
  /** A reply that is kept already. */
  | { readonly kind: "repeat" }
  | { readonly kind: "intent" };

export type DeliveryPorts = {
  readonly maker: CapsuleMaker;
  readonly sealer: Sealer<SealTicket>;
  readonly replay: ReplayWindow;
  /** Hands an intent to its actor; the error says why it did not take it. */
  readonly toActor: (delivery: Delivery) => Result<{ readonly mailboxDepth: number }, CellError>;
  /** Journals an intent for a durable actor of this node; absent: it has none. */
  readonly durable?: DurableIntake;
  /** Spends a token that serves once for this capsule; absent: none is taken. */
  readonly spend?: (
    token: Uint8Array,
    capsule: SpentFor,
    decided: (spent: Result<void, CellError>) => void,
  ) => void;
  /** Counts what it takes of tokens with limits; absent: none is taken. */
  readonly count?: (
    use: CountedUse,
    bytes: number,
    decided: (counted: Result<void, CellError>) => void,
  ) => void;
  /** What would be refused after its token was spent; undefined: nothing that is known. */
  readonly refusesBefore?: (target: string) => CellError | undefined;
  /** Why this node takes no work for this target now; undefined: it does. */
  readonly refusesWork: (target: string) => CellError | undefined;
  readonly record: (event: EventInput) => void;
};

export type DurableIntake = {
  isDurable(path: string): boolean;
  /** Whose journal it is in; undefined: it is not durable. */
  shardOf(path: string): number | undefined;
  accept(acceptance: Acceptance): void;
};

export type Deliveries = {
  take(verdict: Verdict): void;
  /** The way to an inbox, for replies from this index on. */
  toInbox(request: RequestRef, inbox: string, index: number): Delivery["respond"];
};

export function createDeliveries(ports: DeliveryPorts): Deliveries {
  return {
    toInbox: (request, inbox, index) => responder(ports, request, inbox, index),
    take(verdict) {
      switch (verdict.kind) {
        case "accepted":
          deliver(ports, verdict);
          return;
        case "duplicate":
          repeat(ports, verdict);
          return;
        case "refused":
          ports.record(refusalEvent(verdict));
          tell(ports, verdict.request, verdict.replyTo, verdict.error, 1);
          return;
        case "elsewhere":
          return;
      }
    },
  };
}

function deliver(ports: DeliveryPorts, accepted: Accepted): void {
  const closed = ports.refusesWork(accepted.intent.target);
  if (closed !== undefined) refuse(ports, accepted, closed);
  else if (accepted.once !== undefined) deliverOnce(ports, accepted, accepted.once);
  else if (accepted.counted !== undefined) deliverCounted(ports, accepted, accepted.counted);
  else begin(ports, accepted);
}

function deliverOnce(ports: DeliveryPorts, { once: _, ...accepted }: Accepted, token: Uint8Array): void {
  const decided = (spent: Result<void, CellError>) => {
    // The node may have stopped to take work meanwhile.
    if (spent.ok) deliver(ports, accepted);
    else refuse(ports, accepted, spent.error, { stage: "authority", token });
  };
  const { intent, request, capsule } = accepted;
  const closed = ports.refusesBefore?.(intent.target);
  if (closed !== undefined) refuse(ports, accepted, closed);
  else if (ports.spend === undefined) decided(err(new CellError("CAPABILITY_UNDECIDED")));
  else {
    const shard = ports.durable?.shardOf(intent.target);
    ports.spend(token, { issuer: request.issuer, hash: request.hash, bytes: capsule.length, shard }, decided);
  }
}

function deliverCounted(ports: DeliveryPorts, { counted: _, ...accepted }: Accepted, use: CountedUse): void {
  const token = use.links.at(-1)?.token;
  const decided = (counted: Result<void, CellError>) => {
    // The node may have stopped to take work meanwhile.
    if (counted.ok) deliver(ports, accepted);
    else refuse(ports, accepted, counted.error, { stage: "authority", ...(token && { token }) });
  };
  const closed = ports.refusesBefore?.(accepted.intent.target);
  if (closed !== undefined) refuse(ports, accepted, closed);
  else if (ports.count === undefined) decided(err(new CellError("CAPABILITY_UNDECIDED")));
  else ports.count(use, accepted.capsule.length, decided);
}

function begin(ports: DeliveryPorts, accepted: Accepted): void {
  const { intent, request, replyTo } = accepted;
  const answer = answering(ports, request, replyTo);
  if (ports.durable?.isDurable(intent.target) === true) {
    const { capsule, authority, sourceSequence } = accepted;
    ports.durable.accept({
      intent,
      capsule,
      issuer: request.issuer,
      principal: intent.principal,
      authority,
      returnAddress: inboxAddress(request, replyTo),
      isAddressedByCapsule: true,
      ...(sourceSequence === undefined ? {} : { sourceSequence }),
      ...answer,
      taken: (outcome) => delivered(ports, accepted, outcome),
    });
  } else
    delivered(ports, accepted, ports.toActor({ intent, capsule: accepted.capsule, respond: answer.respond }));
}

function delivered(
  ports: DeliveryPorts,
  accepted: Accepted,
  outcome: Result<{ readonly mailboxDepth: number }, CellError>,
): void {
  if (!outcome.ok) {
    refuse(ports, accepted, outcome.error);
    return;
  }
  const { intent, authority } = accepted;
  ports.record({
    actor: intent.target,
    intent,
    traceparent: intent.traceparent,
    kind: { case: "intentAccepted", value: { authority, mailboxDepth: outcome.value.mailboxDepth } },
  });
}

function refuse(
  ports: DeliveryPorts,
  { intent, request, replyTo }: Accepted,
  error: CellError,
  { stage = "target", ...rest }: { readonly stage?: Stage; readonly token?: Uint8Array } = {},
): void {
  const refusal = refusalEvent({
    stage,
    error,
    principal: intent.principal,
    target: intent.target,
    epoch: intent.epoch,
    request,
    ...(intent.source === "" ? {} : { source: intent.source }),
    ...rest,
  });
  ports.record(refusal);
  if (wasBegun(error)) responder(ports, request, replyTo)({ kind: "error", error });
  else turnAway(ports, request, replyTo, error);
}

/** It killed those that had it in hand: no copy of it is begun any more, and this is its answer. */
const wasBegun = ({ code }: CellError): boolean => code === "ACTOR_INTENT_POISONOUS";

/** It was never begun: the same capsule may come again, in a copy that is on its way already. */
function turnAway(
  ports: DeliveryPorts,
  request: RequestRef,
  replyTo: string | undefined,
  error: CellError,
): void {
  const { issuer, id } = request;
  const copies = issuer.length > 0 ? ports.replay.release(issuer, id) : 1;
  tell(ports, request, replyTo, error, copies);
}

/** Under no issuer, so that it is never kept as the reply of a capsule that comes again and is begun. */
function tell(
  ports: DeliveryPorts,
  request: RequestRef,
  inbox: string | undefined,
  error: CellError,
  turnedAway: number,
): void {
  if (inbox === undefined) return;
  const content: ReplyContent = { kind: "error", error, turnedAway };
  const built = buildReply(request, content, { inbox, index: 0 }, ports.maker);
  if (!built.ok) return;
  const kept = { issuer: new Uint8Array(), id: request.id, final: true, capsule: built.value };
  ports.sealer.seal(inbox, built.value, { kind: "reply", ...kept });
}

/** Seen before: what was answered then is sent again. */
function repeat(ports: DeliveryPorts, { request, replyTo, state, replies }: Duplicate): void {
  if (replyTo === undefined) return;
  for (const capsule of replies) ports.sealer.seal(replyTo, capsule, { kind: "repeat" });
  if (state === "dropped") {
    const error = new CellError("CAPSULE_REPLY_NOT_KEPT");
    responder(ports, request, replyTo)({ kind: "error", error });
  }
}

type Answering = Required<Pick<Delivery, "respond" | "prepare">>;

function responder(
  ports: DeliveryPorts,
  request: RequestRef,
  inbox: string | undefined,
  from = 0,
): Delivery["respond"] {
  return answering(ports, request, inbox, from).respond;
}

/** Replies in order; after the final one it does nothing. Never throws. */
function answering(
  ports: DeliveryPorts,
  request: RequestRef,
  inbox: string | undefined,
  from = 0,
): Answering {
  let index = from;
  let ended = false;
  const seal = (content: ReplyContent): Result<Uint8Array, CellError> => {
    const built = buildReply(request, content, { inbox: inbox ?? "", index }, ports.maker);
    if (built.ok && inbox !== undefined) {
      const final = content.kind === "error" || content.final;
      const { issuer, id } = request;
      ports.sealer.seal(inbox, built.value, { kind: "reply", issuer, id, final, capsule: built.value });
      index += 1;
    }
    return built;
  };
  const respond: Delivery["respond"] = (reply) => {
    if (ended) return;
    ended = reply.kind === "error" || reply.final;
    if (reply.kind === "error" && reply.begun === false && !wasBegun(reply.error)) {
      turnAway(ports, request, inbox, reply.error);
      return;
    }
    if (inbox === undefined) return;
    const built = seal(contentOf(reply));
    if (!built.ok) {
      ended = true;
      seal({ kind: "error", error: built.error });
    }
  };
  const prepare: Answering["prepare"] = (reply) => {
    if (ended || inbox === undefined || reply.kind === "error" || !reply.final) return undefined;
    const built = buildReply(request, contentOf(reply), { inbox, index }, ports.maker);
    if (!built.ok) return undefined;
    const { issuer, id } = request;
    const ticket = { kind: "reply", issuer, id, final: true, capsule: built.value } as const;
    const leave = ports.sealer.prepare(inbox, built.value, ticket);
    return () => {
      if (ended) return;
      ended = true;
      leave();
    };
  };
  return { respond, prepare };
}

function contentOf(reply: OutgoingReply): ReplyContent {
  if (reply.kind === "error") return reply;
  const { value, final } = reply;
  if (value instanceof Uint8Array) {
    return { kind: "value", payload: value, contentType: "application/octet-stream", final };
  }
  if (value === undefined) return { kind: "value", payload: new Uint8Array(), contentType: "", final };
  const payload = Buffer.from(JSON.stringify(value), "utf8");
  return { kind: "value", payload, contentType: "application/json", final };
}
