// The records that outlive a process: which capsules were accepted, and what was
// answered. Each is 2 bytes of length, 4 of CRC-32 (big endian), then its body. A
// record that is cut short was never acted upon; one that is damaged makes the
// whole log worthless, for what else is missing cannot be known.
import { crc32 } from "node:zlib";

/** Ids and hashes as they are on the wire. */
export type AcceptedRecord = {
  readonly kind: "accepted";
  readonly issuer: Uint8Array;
  readonly id: Uint8Array;
  readonly hash: Uint8Array;
  /** When freshness refuses it by itself. */
  readonly untilUnixMs: number;
  /** Nobody waits for its answer: it is never to be begun again. */
  readonly silent: boolean;
};
export type RepliedRecord = {
  readonly kind: "replied";
  readonly issuer: Uint8Array;
  readonly id: Uint8Array;
  /** Position among the replies, from 0. */
  readonly index: number;
  /** Capsule bytes: signed anew when they are sent again. */
  readonly reply: Uint8Array;
};
export type AnsweredRecord = {
  readonly kind: "answered";
  readonly issuer: Uint8Array;
  readonly id: Uint8Array;
  /** Replies in all. */
  readonly replies: number;
};
export type ReplayRecord = AcceptedRecord | RepliedRecord | AnsweredRecord;

const HEAD_BYTES = 6;
const KEY_BYTES = 32;
const ID_BYTES = 16;
const NAMED_BYTES = 1 + KEY_BYTES + ID_BYTES;
const HASH_BYTES = 32;
const ACCEPTED_BYTES = NAMED_BYTES + HASH_BYTES + 8 + 1;
/** Of one record: larger replies are not kept. */
export const MAX_RECORD_BYTES = 16 * 1024;
const KINDS = { accepted: 1, replied: 2, answered: 3 } as const;

/** Bytes of the record; undefined when it does not fit. */
export function replayRecordBytes(record: ReplayRecord): number | undefined {
  if (record.issuer.length !== KEY_BYTES || record.id.length !== ID_BYTES) return undefined;
  const bytes = HEAD_BYTES + bodyBytes(record);
  return bytes > MAX_RECORD_BYTES ? undefined : bytes;
}

/** Writes one for which there is room, in place: three are written for each intent. */
export function writeReplayRecord(into: Buffer, from: number, record: ReplayRecord): void {
  const body = from + HEAD_BYTES;
  const end = body + bodyBytes(record);
  into[body] = KINDS[record.kind];
  into.set(record.issuer, body + 1);
  into.set(record.id, body + 1 + KEY_BYTES);
  const tail = body + NAMED_BYTES;
  if (record.kind === "accepted") {
    into.fill(0, tail, tail + HASH_BYTES);
    into.set(record.hash.subarray(0, HASH_BYTES), tail);
    into.writeDoubleBE(record.untilUnixMs, tail + HASH_BYTES);
    into[end - 1] = record.silent ? 1 : 0;
  } else {
    into.writeUInt32BE(record.kind === "replied" ? record.index : record.replies, tail);
    if (record.kind === "replied") into.set(record.reply, tail + 4);
  }
  into.writeUInt16BE(end - body, from);
  into.writeUInt32BE(crc32(into.subarray(body, end)), from + 2);
}

function bodyBytes(record: ReplayRecord): number {
  if (record.kind === "accepted") return ACCEPTED_BYTES;
  return NAMED_BYTES + 4 + (record.kind === "replied" ? record.reply.length : 0);
}

/** Undefined when one is damaged. What is cut short at the end is left out. */
export function readReplayRecords(bytes: Buffer): readonly ReplayRecord[] | undefined {
  const records: ReplayRecord[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const end = at + HEAD_BYTES + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    const body = bytes.subarray(at + HEAD_BYTES, end);
    const record = crc32(body) === bytes.readUInt32BE(at + 2) ? decode(body) : undefined;
    if (record === undefined) return undefined;
    records.push(record);
    at = end;
  }
  return records;
}

function decode(body: Buffer): ReplayRecord | undefined {
  if (body.length < NAMED_BYTES + 4) return undefined;
  const issuer = body.subarray(1, 1 + KEY_BYTES);
  const id = body.subarray(1 + KEY_BYTES, NAMED_BYTES);
  const rest = body.subarray(NAMED_BYTES);
  switch (body[0]) {
    case KINDS.accepted: {
      if (body.length !== ACCEPTED_BYTES) return undefined;
      const untilUnixMs = rest.readDoubleBE(32);
      return {
        kind: "accepted",
        issuer,
        id,
        hash: rest.subarray(0, 32),
        untilUnixMs,
        silent: rest[40] === 1,
      };
    }
    case KINDS.replied:
      return { kind: "replied", issuer, id, index: rest.readUInt32BE(), reply: rest.subarray(4) };
    case KINDS.answered:
      return { kind: "answered", issuer, id, replies: rest.readUInt32BE() };
    default:
      return undefined;
  }
}
