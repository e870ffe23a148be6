// Capsule -> bytes. These bytes are hashed, signed and carried; nobody makes
// them a second time.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type ErrorSchema,
  IntentCapsuleSchema,
  type ReplySchema,
  type SourceSchema,
} from "../../gen/cell0/v1/capsule_pb.ts";
import type { Capsule, ReplyPart, Source, WireError } from "./capsule.ts";
import { checkCapsule } from "./check-capsule.ts";
import { priorityNumber } from "./priority.ts";

/** Refuses what decodeCapsule would refuse. */
export function encodeCapsule(capsule: Capsule): Result<Uint8Array, CellError> {
  const fault = checkCapsule(capsule);
  if (fault !== undefined) return err(fault);
  const { traceparent, tracestate, source, reply } = capsule;
  const message = create(IntentCapsuleSchema, {
    id: capsule.id,
    rootId: capsule.rootId,
    causeId: capsule.causeId,
    hopLimit: capsule.hopLimit,
    target: capsule.target,
    intent: capsule.intent,
    contentType: capsule.contentType,
    payload: capsule.payload,
    issuedAt: { unixMs: BigInt(capsule.issuedAt.unixMs), counter: capsule.issuedAt.counter },
    deadlineUnixMs: BigInt(capsule.deadlineUnixMs),
    priority: priorityNumber(capsule.priority),
    epoch: BigInt(capsule.epoch),
    replyInbox: capsule.replyInbox,
    ...(traceparent === "" ? {} : { trace: { traceparent, tracestate } }),
    ...(source === undefined ? {} : { source: sourceMessage(source) }),
    ...(reply === undefined ? {} : { reply: replyMessage(reply) }),
  });
  return ok(toBinary(IntentCapsuleSchema, message));
}

function sourceMessage({ actor, incarnation, sequence }: Source): MessageInitShape<typeof SourceSchema> {
  if (incarnation === undefined) return { actor, sequence: BigInt(sequence) };
  const { term, activation } = incarnation;
  return {
    actor,
    sequence: BigInt(sequence),
    incarnation: { term: BigInt(term), activation: BigInt(activation) },
  };
}

function replyMessage({ error, ...reply }: ReplyPart): MessageInitShape<typeof ReplySchema> {
  return error === undefined ? reply : { ...reply, error: errorMessage(error) };
}

const errorMessage = (error: WireError): MessageInitShape<typeof ErrorSchema> => ({ ...error });
