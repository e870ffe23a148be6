// Between two actors of one node: the capability check that a capsule of another node would pass, what it
// uses up, then the journal or the mailbox. Nothing is signed, since nothing leaves.
import type { Delivery, OutgoingReply } from "../actors/intent.ts";
import type { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { toHex } from "../security/bytes.ts";
import { type Authority, type AuthorityPorts, authorise } from "../security/intake/authority.ts";
import { acceptedIntent } from "../security/intake/describe.ts";
import type { AcceptedIntent } from "../security/intake/verdict.ts";
import type { BuiltIntent } from "../security/intents/build-intent.ts";
import { outboxSequenceOf } from "../security/intents/outbox-id.ts";
import type { Certificate } from "../security/trust/certificate.ts";
import { decodeCapsule } from "../security/wire/decode-capsule.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { DurableIntake } from "./deliveries.ts";
import { type LocalReturns, localAddress } from "./durable/return-address.ts";
import type { LocalUses } from "./local-uses.ts";

export type LocalPorts = {
  readonly authority: AuthorityPorts;
  /** This node's own certificate, under which its actors send, while it counts. */
  readonly certificate: () => Result<Certificate, CellError>;
  readonly node: string;
  readonly toActor: (delivery: Delivery) => Result<{ readonly mailboxDepth: number }, CellError>;
  /** Journals an intent for a durable actor of this node; absent: it has none. */
  readonly durable?: DurableIntake;
  /** Who waits for answers that an earlier incarnation of a durable actor may have been asked for. */
  readonly returns: LocalReturns;
  /** Why nothing can be journaled now. */
  readonly whyNot?: () => CellError | undefined;
  readonly record: (event: EventInput) => void;
  /** By which tokens that serve once, or so many times, are used up. */
  readonly uses: LocalUses;
};

export type Answer = Result<
  { readonly value: unknown; readonly final: boolean; readonly index?: number },
  CellError
>;

/** The capability check that a capsule of another node would pass, then the journal or the mailbox. */
export function deliverHere(
  ports: LocalPorts,
  built: BuiltIntent,
  settle: (answer: Answer) => void,
  taken: (outcome: Result<unknown, CellError>) => void,
): void {
  const { id, bytes, hash } = built;
  const judged = judgeHere(ports, bytes, hash);
  if (!judged.ok) {
    taken(judged);
    return;
  }
  const { intent, key, authority } = judged.value;
  const { target, deadlineUnixMs } = intent;
  if (authority.once === undefined && authority.counted === undefined) {
    begin(ports, built, judged.value, settle, taken);
    return;
  }
  const shard = ports.durable?.shardOf(target);
  const closed = shard === undefined ? undefined : ports.whyNot?.();
  if (closed !== undefined) {
    taken(err(closed));
    return;
  }
  const capsule = { id, hash, bytes: bytes.length, issuer: key, target, deadlineUnixMs, shard };
  ports.uses.use(authority, capsule, (used) => {
    // Its node may be withdrawn meanwhile.
    const own = used.ok ? ports.certificate() : used;
    if (own.ok) begin(ports, built, judged.value, settle, taken);
    else taken(own);
  });
}

function begin(
  ports: LocalPorts,
  { id, bytes }: BuiltIntent,
  { intent, key, authority, isByToken, sourceSequence }: Judged,
  settle: (answer: Answer) => void,
  taken: (outcome: Result<unknown, CellError>) => void,
): void {
  let index = 0;
  const respond = (reply: OutgoingReply) => settle(fromReply(reply, index++));
  const { durable } = ports;
  const accepted = (outcome: Result<{ readonly mailboxDepth: number }, CellError>) => {
    if (outcome.ok && isByToken) recordAccepted(ports, intent, authority.by, outcome.value.mailboxDepth);
    taken(outcome);
  };
  if (durable?.isDurable(intent.target) !== true) {
    accepted(ports.toActor({ intent, capsule: bytes, respond }));
    return;
  }
  const closed = ports.whyNot?.();
  if (closed !== undefined) {
    taken(err(closed));
    return;
  }
  // A later incarnation of the target finds the way back by the id.
  const name = toHex(id);
  if (intent.wantsReply) ports.returns.wait(name, intent.deadlineUnixMs, respond);
  durable.accept({
    intent,
    capsule: bytes,
    issuer: key,
    principal: ports.node,
    authority: authority.by,
    returnAddress: intent.wantsReply ? localAddress(name) : null,
    ...(sourceSequence === undefined ? {} : { sourceSequence }),
    respond: ports.returns.to(name),
    taken: accepted,
  });
}

type Judged = {
  readonly intent: AcceptedIntent;
  readonly key: Uint8Array;
  readonly authority: Authority;
  readonly isByToken: boolean;
  readonly sourceSequence: number | undefined;
};

function judgeHere(ports: LocalPorts, bytes: Uint8Array, hash: Uint8Array): Result<Judged, CellError> {
  const capsule = decodeCapsule(bytes);
  if (!capsule.ok) return capsule;
  const own = ports.certificate();
  if (!own.ok) return own;
  const allowed = authorise(capsule.value, own.value, ports.authority, Date.now(), bytes.length);
  if (!allowed.ok) return allowed;
  const intent = acceptedIntent(capsule.value, hash, ports.node, { of: bytes, copy: bytes });
  const sourceSequence = outboxSequenceOf(capsule.value);
  const isByToken = capsule.value.capability.length > 0;
  return ok({ intent, key: own.value.key, authority: allowed.value, isByToken, sourceSequence });
}

/** Values do not share memory between actors. */
function fromReply(reply: OutgoingReply, index: number): Answer {
  if (reply.kind === "error") return err(reply.error);
  const { value, final } = reply;
  return ok({ value: value === undefined ? undefined : structuredClone(value), final, index });
}

/** Who used which token is on record wherever it was used; what rests on grants is not, between two actors of a node. */
function recordAccepted(
  ports: LocalPorts,
  intent: AcceptedIntent,
  authority: string,
  mailboxDepth: number,
): void {
  ports.record({
    actor: intent.target,
    intent,
    traceparent: intent.traceparent,
    kind: { case: "intentAccepted", value: { authority, mailboxDepth } },
  });
}
