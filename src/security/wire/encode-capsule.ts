// Capsule -> bytes. These bytes are hashed, signed and carried; nobody makes
// them a second time. Written field by field, in the order of their numbers and
// without those at their default, so that they are the canonical protobuf.
import type { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { ProtoWriter } from "../../wire/proto-writer.ts";
import type { Capsule, ReplyPart, Source, WireError } from "./capsule.ts";
import { checkCapsule } from "./check-capsule.ts";
import { priorityNumber } from "./priority.ts";

/** Refuses what decodeCapsule would refuse. */
export function encodeCapsule(capsule: Capsule): Result<Uint8Array, CellError> {
  const fault = checkCapsule(capsule);
  if (fault !== undefined) return err(fault);
  bytes(1, capsule.id);
  bytes(2, capsule.rootId);
  bytes(3, capsule.causeId);
  number(4, capsule.hopLimit);
  text(5, capsule.target);
  text(6, capsule.intent);
  text(7, capsule.contentType);
  bytes(8, capsule.payload);
  const issuedAt = writer.open(9);
  number(1, capsule.issuedAt.unixMs);
  number(2, capsule.issuedAt.counter);
  writer.close(issuedAt);
  number(10, capsule.deadlineUnixMs);
  number(11, priorityNumber(capsule.priority));
  number(12, capsule.epoch);
  bytes(13, capsule.capability);
  const { traceparent, tracestate, source, reply } = capsule;
  if (traceparent !== "") {
    const trace = writer.open(14);
    text(1, traceparent);
    text(2, tracestate);
    writer.close(trace);
  }
  text(15, capsule.replyInbox);
  if (source !== undefined) writeSource(source);
  if (reply !== undefined) writeReply(reply);
  return ok(writer.finish());
}

function writeSource({ actor, incarnation, sequence }: Source): void {
  const source = writer.open(16);
  text(1, actor);
  if (incarnation !== undefined) {
    const nested = writer.open(2);
    number(1, incarnation.term);
    number(2, incarnation.activation);
    writer.close(nested);
  }
  number(3, sequence);
  writer.close(source);
}

function writeReply({ requestId, requestHash, index, final, error, turnedAway }: ReplyPart): void {
  const reply = writer.open(17);
  bytes(1, requestId);
  bytes(2, requestHash);
  number(3, index);
  flag(4, final);
  if (error !== undefined) writeError(error);
  number(6, turnedAway);
  writer.close(reply);
}

function writeError({ code, message, remedy, retryable, retryAfterMs }: WireError): void {
  const error = writer.open(5);
  text(1, code);
  text(2, message);
  text(3, remedy);
  flag(4, retryable);
  number(5, retryAfterMs);
  writer.close(error);
}

/** One for all capsules. What is checked does not throw half-way. */
const writer = new ProtoWriter();
const bytes = (field: number, value: Uint8Array): void => writer.bytes(field, value);
const text = (field: number, value: string): void => writer.text(field, value);
const number = (field: number, value: number): void => writer.number(field, value);
const flag = (field: number, value: boolean): void => writer.flag(field, value);
