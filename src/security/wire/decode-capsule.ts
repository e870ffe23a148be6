// Bytes -> Capsule. The bytes are anybody's: their size is judged first, then
// their form, then every field; nothing out of bounds leaves this file.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type Incarnation as IncarnationMessage,
  type IntentCapsule,
  IntentCapsuleSchema,
  type Reply as ReplyMessage,
  type Source as SourceMessage,
} from "../../gen/cell0/v1/capsule_pb.ts";
import { type Capsule, type Incarnation, MAX_CAPSULE_BYTES, type ReplyPart, type Source } from "./capsule.ts";
import { checkCapsule } from "./check-capsule.ts";
import { priorityName } from "./priority.ts";
import { readCapsule } from "./read-capsule.ts";
import { decodeStrict } from "./strict-decode.ts";

/** No field of a capsule repeats. */
const BOUNDS = {};

/** Arbitrary bytes yield a capsule within all bounds or a coded error; never throws. Payload and ids are views of `bytes`. */
export function decodeCapsule(bytes: Uint8Array): Result<Capsule, CellError> {
  if (bytes.length > MAX_CAPSULE_BYTES) {
    return err(new CellError("CAPSULE_TOO_LARGE", `the capsule has ${bytes.length} bytes`));
  }
  const quick = readCapsule(bytes);
  if (quick === undefined) return decodeSlowly(bytes);
  const fault = checkCapsule(quick);
  return fault === undefined ? ok(quick) : err(fault);
}

/** The same for any bytes, with every fault named. */
export function decodeSlowly(bytes: Uint8Array): Result<Capsule, CellError> {
  const decoded = decodeStrict(IntentCapsuleSchema, bytes, BOUNDS);
  if (!decoded.ok) return decoded;
  const message = decoded.value;
  const capsule = toCapsule(message);
  if (capsule === undefined) {
    return err(new CellError("CAPSULE_FIELD_INVALID", "`priority` is not one of the four classes"));
  }
  const fault = checkCapsule(capsule);
  return fault === undefined ? ok(capsule) : err(fault);
}

function toCapsule(message: IntentCapsule): Capsule | undefined {
  const priority = priorityName(message.priority);
  if (priority === undefined) return undefined;
  return {
    id: message.id,
    rootId: message.rootId,
    causeId: message.causeId,
    hopLimit: message.hopLimit,
    target: message.target,
    intent: message.intent,
    contentType: message.contentType,
    payload: message.payload,
    issuedAt: {
      unixMs: toNumber(message.issuedAt?.unixMs ?? 0n),
      counter: message.issuedAt?.counter ?? 0,
    },
    deadlineUnixMs: toNumber(message.deadlineUnixMs),
    priority,
    epoch: toNumber(message.epoch),
    capability: message.capability,
    traceparent: message.trace?.traceparent ?? "",
    tracestate: message.trace?.tracestate ?? "",
    replyInbox: message.replyInbox,
    source: message.source === undefined ? undefined : toSource(message.source),
    reply: message.reply === undefined ? undefined : toReply(message.reply),
  };
}

const toSource = ({ actor, incarnation, sequence }: SourceMessage): Source => ({
  actor,
  incarnation: incarnation === undefined ? undefined : toIncarnation(incarnation),
  sequence: toNumber(sequence),
});

const toIncarnation = ({ term, activation }: IncarnationMessage): Incarnation => ({
  term: toNumber(term),
  activation: toNumber(activation),
});

function toReply({ requestId, requestHash, index, final, error, turnedAway }: ReplyMessage): ReplyPart {
  if (error === undefined) return { requestId, requestHash, index, final, error, turnedAway };
  const { code, message, remedy, retryable, retryAfterMs } = error;
  return {
    ...{ requestId, requestHash, index, final, turnedAway },
    error: { code, message, remedy, retryable, retryAfterMs },
  };
}

/** Beyond 2^53 - 1 the result is no safe integer, which checkCapsule refuses. */
const toNumber = (value: bigint): number => Number(value);
