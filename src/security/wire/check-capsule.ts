// The rules of capsule.proto, field by field: what encode refuses to make and
// decode refuses to read. The first rule broken is named.
import { CellError } from "../../errors/cell-error.ts";
import { isInbox, isStockInbox } from "../address.ts";
import { equalBytes } from "../bytes.ts";
import { isActorPath, isIntentType } from "../names.ts";
import {
  type Capsule,
  ID_BYTES,
  type Incarnation,
  MAX_CAPABILITY_BYTES,
  MAX_CONTENT_TYPE_BYTES,
  MAX_ERROR_CODE_LENGTH,
  MAX_ERROR_TEXT_LENGTH,
  MAX_HOPS,
  MAX_PAYLOAD_BYTES,
  MAX_REPLY_INDEX,
  MAX_TRACESTATE_BYTES,
  type ReplyPart,
  type Source,
  type WireError,
} from "./capsule.ts";
import { HASH_BYTES } from "./signing-input.ts";

const PRINTABLE = /^[\x20-\x7e]*$/;
/** W3C Trace Context, version 00; ids that are all zero are not valid. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const ERROR_CODE = /^[A-Z][A-Z0-9_]*$/;
const UINT32_MAX = 0xffff_ffff;

type Broken = readonly [field: string, expected: string] | undefined;

export function checkCapsule(capsule: Capsule): CellError | undefined {
  if (capsule.payload.length > MAX_PAYLOAD_BYTES) {
    return new CellError("CAPSULE_PAYLOAD_TOO_LARGE", `the payload has ${capsule.payload.length} bytes`);
  }
  const broken =
    checkIds(capsule) ??
    checkNames(capsule) ??
    checkNumbers(capsule) ??
    checkCapability(capsule) ??
    checkTrace(capsule) ??
    checkSource(capsule.source) ??
    checkReply(capsule.reply);
  if (broken === undefined) return undefined;
  const [field, expected] = broken;
  return new CellError("CAPSULE_FIELD_INVALID", `\`${field}\` must be ${expected}`, { details: { field } });
}

function checkIds({ id, rootId, causeId }: Capsule): Broken {
  if (id.length !== ID_BYTES || id.every((byte) => byte === 0)) return ["id", "16 bytes, not all zero"];
  if (rootId.length !== ID_BYTES) return ["root_id", "16 bytes"];
  if (causeId.length !== 0 && causeId.length !== ID_BYTES)
    return ["cause_id", "16 bytes, or empty at the root"];
  if (causeId.length === 0 && !equalBytes(rootId, id)) return ["root_id", "the capsule's own id at the root"];
  if (equalBytes(causeId, id)) return ["cause_id", "another capsule's id"];
  return undefined;
}

function checkNames(capsule: Capsule): Broken {
  if (capsule.reply === undefined) {
    if (!isActorPath(capsule.target)) return ["target", "1 to 8 tokens of [a-z0-9-] joined by '/'"];
    if (capsule.replyInbox !== "" && !isInbox(capsule.replyInbox)) {
      return ["reply_inbox", "a subject below cell0.v1.<cell>.inbox.<principal>., or empty"];
    }
  } else {
    if (!isInbox(capsule.target) && !isStockInbox(capsule.target))
      return ["target", "the inbox that the reply is published to"];
    if (capsule.replyInbox !== "") return ["reply_inbox", "empty in a reply"];
  }
  if (!isIntentType(capsule.intent)) return ["intent", "1 to 8 tokens of [a-z0-9-] joined by '.'"];
  if (capsule.contentType.length > MAX_CONTENT_TYPE_BYTES || !PRINTABLE.test(capsule.contentType)) {
    return ["content_type", `at most ${MAX_CONTENT_TYPE_BYTES} printable ASCII characters`];
  }
  return undefined;
}

function checkNumbers(capsule: Capsule): Broken {
  if (!isWithin(capsule.hopLimit, 0, MAX_HOPS)) return ["hop_limit", `0 to ${MAX_HOPS}`];
  if (!isWithin(capsule.issuedAt.unixMs, 1)) return ["issued_at", "milliseconds since the Unix epoch"];
  if (!isWithin(capsule.issuedAt.counter, 0, UINT32_MAX))
    return ["issued_at.counter", "an unsigned 32-bit number"];
  if (!isWithin(capsule.deadlineUnixMs, 1)) return ["deadline_unix_ms", "milliseconds since the Unix epoch"];
  if (!isWithin(capsule.epoch, 0)) return ["epoch", "at most 2^53 - 1"];
  return undefined;
}

function checkTrace({ traceparent, tracestate }: Capsule): Broken {
  if (traceparent !== "" && !TRACEPARENT.test(traceparent)) {
    return ["trace.traceparent", "a W3C traceparent of version 00, or empty"];
  }
  if (tracestate.length > MAX_TRACESTATE_BYTES || !PRINTABLE.test(tracestate)) {
    return ["trace.tracestate", `at most ${MAX_TRACESTATE_BYTES} printable ASCII characters`];
  }
  if (traceparent === "" && tracestate !== "") return ["trace.tracestate", "empty without a traceparent"];
  return undefined;
}

function checkSource(source: Source | undefined): Broken {
  if (source === undefined) return undefined;
  if (!isActorPath(source.actor)) return ["source.actor", "1 to 8 tokens of [a-z0-9-] joined by '/'"];
  if (!isWithin(source.sequence, 0)) return ["source.sequence", "at most 2^53 - 1"];
  return checkIncarnation(source.incarnation);
}

function checkIncarnation(incarnation: Incarnation | undefined): Broken {
  if (incarnation === undefined) return undefined;
  if (!isWithin(incarnation.term, 0)) return ["source.incarnation.term", "at most 2^53 - 1"];
  if (!isWithin(incarnation.activation, 0)) return ["source.incarnation.activation", "at most 2^53 - 1"];
  return undefined;
}

function checkCapability({ capability, reply }: Capsule): Broken {
  if (capability.length > MAX_CAPABILITY_BYTES)
    return ["capability", `at most ${MAX_CAPABILITY_BYTES} bytes`];
  return capability.length > 0 && reply !== undefined ? ["capability", "empty in a reply"] : undefined;
}

function checkReply(reply: ReplyPart | undefined): Broken {
  if (reply === undefined) return undefined;
  const unread = reply.requestId.length === 0 && reply.error !== undefined;
  if (reply.requestId.length !== ID_BYTES && !unread) {
    return ["reply.request_id", "16 bytes, or empty beside an error"];
  }
  if (reply.requestHash.length !== HASH_BYTES) return ["reply.request_hash", "32 bytes"];
  if (!isWithin(reply.index, 0, MAX_REPLY_INDEX)) return ["reply.index", "an unsigned 32-bit number"];
  if (!isWithin(reply.turnedAway, 0, reply.error === undefined ? 0 : MAX_REPLY_INDEX)) {
    return ["reply.turned_away", "an unsigned 32-bit number, 0 without an error"];
  }
  if (reply.error === undefined) return undefined;
  return reply.final ? checkError(reply.error) : ["reply.final", "true beside an error"];
}

function checkError(error: WireError): Broken {
  if (error.code.length > MAX_ERROR_CODE_LENGTH || !ERROR_CODE.test(error.code)) {
    return ["reply.error.code", "SCREAMING_SNAKE_CASE"];
  }
  if (error.message.length > MAX_ERROR_TEXT_LENGTH) return ["reply.error.message", "at most 1024 characters"];
  if (error.remedy.length > MAX_ERROR_TEXT_LENGTH) return ["reply.error.remedy", "at most 1024 characters"];
  if (!isWithin(error.retryAfterMs, 0, UINT32_MAX))
    return ["reply.error.retry_after_ms", "an unsigned 32-bit number"];
  return undefined;
}

/** Integers that JavaScript holds exactly; others are refused rather than rounded. */
const isWithin = (value: number, least: number, most = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most;
