// The records of durable actors as plain data, and to and from their bytes. What is
// read here was signed by a node, but bits of it may have changed, or another version
// may have written it: what does not fit is a coded error.
import type { DurableState } from "../../actors/durable/ports.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { CommitRecordSchema, JournalRecordSchema } from "../../gen/cell0/v1/durable_pb.ts";
import type { Json } from "../../manifest/graph.ts";
import type { Incarnation } from "../../security/wire/capsule.ts";
import { decodeStrict } from "../../security/wire/strict-decode.ts";
import { parseJson } from "../../wire/json-keys.ts";
import { ProtoWriter } from "../../wire/proto-writer.ts";
import { readState } from "./read-state.ts";

/** Entries of one journal record. */
export const MAX_ENTRIES = 64;
/** Positions that one record of the journal spans. */
const POSITIONS = 4096;

/** By the record's own number, which is signed: the broker's sequences are the broker's to choose. */
export const positionOf = (number: number, index: number): number => number * POSITIONS + index;
export const recordOf = (position: number): number => Math.floor(position / POSITIONS);

/** An intent as it was accepted. */
export type JournalEntry = {
  readonly capsule: Uint8Array;
  /** Key that signed it, and whose it was. */
  readonly issuer: Uint8Array;
  readonly principal: string;
  readonly authority: string;
  /** Undefined: the inbox that the capsule names, or nowhere when it names none. */
  readonly returnAddress?: Json | undefined;
};

export type JournalRecord = {
  readonly shard: number;
  readonly term: number;
  readonly number: number;
  readonly previousHash: Uint8Array;
  readonly writtenUnixMs: number;
  readonly entries: readonly JournalEntry[];
};

export type CommitRecord = {
  readonly actor: string;
  readonly shard: number;
  readonly number: number;
  readonly incarnation: Incarnation;
  readonly previousHash: Uint8Array;
  readonly writtenUnixMs: number;
  readonly state: DurableState;
  /** UTF-8 bytes of it. */
  readonly stateBytes: number;
  readonly repeated: boolean;
};

const decoder = new TextDecoder("utf-8", { fatal: true });
const BOUNDS = { "JournalRecord.entries": MAX_ENTRIES };

/** One for all records, written field by field, in the order of their numbers. */
const writer = new ProtoWriter();

export function encodeJournalRecord(record: JournalRecord): Uint8Array {
  writer.number(1, record.shard);
  writer.number(2, record.term);
  writer.number(3, record.number);
  writer.bytes(4, record.previousHash);
  writer.number(5, record.writtenUnixMs);
  for (const { capsule, issuer, principal, authority, returnAddress } of record.entries) {
    const entry = writer.open(6);
    writer.bytes(1, capsule);
    writer.bytes(2, issuer);
    writer.text(3, principal);
    writer.text(4, authority);
    if (returnAddress !== undefined) writer.text(5, JSON.stringify(returnAddress));
    writer.close(entry);
  }
  return writer.finish();
}

/** STATE_JOURNAL_BROKEN. */
export function decodeJournalRecord(bytes: Uint8Array): Result<JournalRecord, CellError> {
  const decoded = decodeStrict(JournalRecordSchema, bytes, BOUNDS);
  if (!decoded.ok) return err(new CellError("STATE_JOURNAL_BROKEN", decoded.error.message));
  const { shard, term, number, previousHash, writtenUnixMs, entries } = decoded.value;
  try {
    return ok({
      shard,
      term: Number(term),
      number: Number(number),
      previousHash,
      writtenUnixMs: Number(writtenUnixMs),
      entries: entries.map(({ capsule, issuer, principal, authority, returnAddress }) => ({
        capsule,
        issuer,
        principal,
        authority,
        ...(returnAddress.length === 0
          ? {}
          : { returnAddress: parseJson(decoder.decode(returnAddress)) as Json }),
      })),
    });
  } catch (cause) {
    return err(new CellError("STATE_JOURNAL_BROKEN", "a return address is not JSON", { cause }));
  }
}

/** The state comes as JSON already: it is measured before it is written. */
export function encodeCommitRecord(
  record: Omit<CommitRecord, "state" | "stateBytes">,
  state: Uint8Array,
): Uint8Array {
  writer.text(1, record.actor);
  writer.number(2, record.shard);
  writer.number(3, record.number);
  const incarnation = writer.open(4);
  writer.number(1, record.incarnation.term);
  writer.number(2, record.incarnation.activation);
  writer.close(incarnation);
  writer.bytes(5, record.previousHash);
  writer.number(6, record.writtenUnixMs);
  writer.bytes(7, state);
  writer.flag(8, record.repeated);
  return writer.finish();
}

/** STATE_CORRUPT. */
export function decodeCommitRecord(bytes: Uint8Array): Result<CommitRecord, CellError> {
  const decoded = decodeStrict(CommitRecordSchema, bytes, {});
  if (!decoded.ok) return err(new CellError("STATE_CORRUPT", decoded.error.message));
  const { actor, shard, number, incarnation, previousHash, writtenUnixMs, state, repeated } = decoded.value;
  try {
    const read = readState(parseJson(decoder.decode(state)));
    if (!read.ok) return read;
    return ok({
      actor,
      shard,
      number: Number(number),
      incarnation: {
        term: Number(incarnation?.term ?? 0n),
        activation: Number(incarnation?.activation ?? 0n),
      },
      previousHash,
      writtenUnixMs: Number(writtenUnixMs),
      state: read.value,
      stateBytes: state.length,
      repeated,
    });
  } catch (cause) {
    return err(new CellError("STATE_CORRUPT", "the state is not JSON", { cause, where: actor }));
  }
}
