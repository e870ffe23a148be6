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
const ACCEPTED_BYTES = NAMED_BYTES + 32 + 8 + 1;
/** Of one record: larger replies are not kept. */
export const MAX_RECORD_BYTES = 16 * 1024;
const KINDS = { accepted: 1, replied: 2, answered: 3 } as const;

/** Undefined when it does not fit. */
export function encodeReplayRecord(record: ReplayRecord): Buffer | undefined {
  const { issuer, id } = record;
  if (issuer.length !== KEY_BYTES || id.length !== ID_BYTES) return undefined;
  const extra = tailOf(record);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + NAMED_BYTES + extra.length);
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  bytes[HEAD_BYTES] = KINDS[record.kind];
  bytes.set(issuer, HEAD_BYTES + 1);
  bytes.set(id, HEAD_BYTES + 1 + KEY_BYTES);
  bytes.set(extra, HEAD_BYTES + NAMED_BYTES);
  bytes.writeUInt16BE(bytes.length - HEAD_BYTES, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(HEAD_BYTES)), 2);
  return bytes;
}

function tailOf(record: ReplayRecord): Buffer {
  if (record.kind === "accepted") {
    const tail = Buffer.alloc(41);
    tail.set(record.hash.subarray(0, 32), 0);
    tail.writeDoubleBE(record.untilUnixMs, 32);
    tail[40] = record.silent ? 1 : 0;
    return tail;
  }
  const count = Buffer.alloc(4);
  count.writeUInt32BE(record.kind === "replied" ? record.index : record.replies);
  return record.kind === "replied" ? Buffer.concat([count, record.reply]) : count;
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
