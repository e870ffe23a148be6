// Capsule -> bytes. These bytes are hashed, signed and carried; nobody makes
// them a second time. Written field by field, in the order of their numbers and
// without those at their default, so that they are the canonical protobuf.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
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
  nested(9, () => {
    number(1, capsule.issuedAt.unixMs);
    number(2, capsule.issuedAt.counter);
  });
  number(10, capsule.deadlineUnixMs);
  number(11, priorityNumber(capsule.priority));
  number(12, capsule.epoch);
  const { traceparent, tracestate, source, reply } = capsule;
  if (traceparent !== "") {
    nested(14, () => {
      text(1, traceparent);
      text(2, tracestate);
    });
  }
  text(15, capsule.replyInbox);
  if (source !== undefined) nested(16, () => writeSource(source));
  if (reply !== undefined) nested(17, () => writeReply(reply));
  return ok(writer.finish());
}

function writeSource({ actor, incarnation, sequence }: Source): void {
  text(1, actor);
  if (incarnation !== undefined) {
    nested(2, () => {
      number(1, incarnation.term);
      number(2, incarnation.activation);
    });
  }
  number(3, sequence);
}

function writeReply({ requestId, requestHash, index, final, error, turnedAway }: ReplyPart): void {
  bytes(1, requestId);
  bytes(2, requestHash);
  number(3, index);
  flag(4, final);
  if (error !== undefined) nested(5, () => writeError(error));
  number(6, turnedAway);
}

function writeError({ code, message, remedy, retryable, retryAfterMs }: WireError): void {
  text(1, code);
  text(2, message);
  text(3, remedy);
  flag(4, retryable);
  number(5, retryAfterMs);
}

/** One for all capsules: its buffer grows to the largest and is used again. What is checked does not throw half-way. */
const writer = new BinaryWriter();
const VARINT = 0;
const DELIMITED = 2;
const UINT32_MAX = 0xffff_ffff;

function bytes(field: number, value: Uint8Array): void {
  if (value.length > 0) writer.uint32((field << 3) | DELIMITED).bytes(value);
}

function text(field: number, value: string): void {
  if (value !== "") writer.uint32((field << 3) | DELIMITED).string(value);
}

function number(field: number, value: number): void {
  if (value === 0) return;
  writer.uint32((field << 3) | VARINT);
  if (value <= UINT32_MAX) writer.uint32(value);
  else writer.uint64(BigInt(value));
}

function flag(field: number, value: boolean): void {
  if (value) writer.uint32((field << 3) | VARINT).bool(true);
}

function nested(field: number, write: () => void): void {
  writer.uint32((field << 3) | DELIMITED).fork();
  write();
  writer.join();
}
