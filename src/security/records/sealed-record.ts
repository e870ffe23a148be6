// Records that a node keeps, of its durable actors and of dead letters, signed: those of
// one turn share one signature over a Merkle batch. A record of the journal is never one of
// the state, nor either a capsule: each kind has its own tag under the hash.
import { Buffer } from "node:buffer";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { Algorithm } from "../../gen/cell0/v1/capsule_pb.ts";
import { SealedRecordSchema } from "../../gen/cell0/v1/durable_pb.ts";
import { ProtoWriter } from "../../wire/proto-writer.ts";
import { concat, sha256 } from "../bytes.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verifyByRule } from "../keys/verify.ts";
import { buildTree, MAX_LEAVES, rangePath, rootFromRange, rootOf } from "../wire/merkle.ts";
import type { Sealing } from "../wire/seal.ts";
import { HASH_BYTES } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { nameOf, type VerifiedRoots } from "../wire/verify-envelope.ts";

export type RecordKind = "journal" | "commit" | "deadletter";

const LEAF = Uint8Array.of(0);
const ED25519 = Uint8Array.of(1);
const tag = (name: string): Uint8Array => Buffer.from(`cell0/v1/${name}\0`, "ascii");
const RECORDS = tag("records");
const KINDS: Readonly<Record<RecordKind, Uint8Array>> = {
  journal: tag("journal"),
  commit: tag("commit"),
  deadletter: tag("deadletter"),
};
/** Siblings from a leaf of the largest batch to its root. */
const MAX_PATH = 12;
const BOUNDS = { "SealedRecord.path": MAX_PATH };

export type OpenRecord = { readonly kind: RecordKind; readonly bytes: Uint8Array };

const leafOf = ({ kind, bytes }: OpenRecord): Uint8Array => sha256(LEAF, KINDS[kind], bytes);

function input(
  genesisHash: Uint8Array,
  signer: Uint8Array,
  batch: bigint,
  count: number,
  root: Uint8Array,
): Uint8Array {
  const numbers = Buffer.alloc(12);
  numbers.writeBigUInt64BE(batch, 0);
  numbers.writeUInt32BE(count, 8);
  return concat(RECORDS, genesisHash, ED25519, signer, numbers, root);
}

/**
 * @param records 1 to 4,096; the sealed ones come back in their order
 * @param roots in which what was signed here counts as verified
 */
export function sealRecords(
  records: readonly OpenRecord[],
  { key, genesisHash }: Sealing,
  batch: bigint,
  roots?: VerifiedRoots,
): Uint8Array[] {
  const tree = buildTree(records.map(leafOf));
  const signed = input(genesisHash, key.publicKey, batch, records.length, rootOf(tree));
  const signature = key.sign(signed);
  roots?.add(nameOf({ message: signed, signature }));
  return records.map(({ bytes }, index) => {
    writer.bytes(1, bytes);
    writer.bytes(2, key.publicKey);
    writer.number(3, Algorithm.ED25519);
    writer.bytes(4, signature);
    writer.big(5, batch);
    writer.number(6, records.length);
    writer.number(7, index);
    for (const node of rangePath(tree, index, 1)) writer.element(8, node);
    return writer.finish();
  });
}

/** Written field by field, in the order of their numbers. */
const writer = new ProtoWriter();

export type VerifiedRecord = {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes: what the next record of the chain names. */
  readonly hash: Uint8Array;
  readonly signer: Uint8Array;
};

/** STATE_FORGED: these bytes are no record of this kind that the key in it has signed. Whose key it is, is the caller's to ask. */
export function openRecord(
  kind: RecordKind,
  sealed: Uint8Array,
  genesisHash: Uint8Array,
  roots?: VerifiedRoots,
): Result<VerifiedRecord, CellError> {
  const decoded = decodeStrict(SealedRecordSchema, sealed, BOUNDS);
  if (!decoded.ok) return forged(decoded.error.message);
  const { record, signer, algorithm, signature, batch, count, index, path } = decoded.value;
  if (algorithm !== Algorithm.ED25519) return forged("its algorithm is unknown");
  if (signer.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return forged("its proof");
  if (count < 1 || count > MAX_LEAVES || path.some(({ length }) => length !== HASH_BYTES)) {
    return forged("its proof");
  }
  const root = rootFromRange([leafOf({ kind, bytes: record })], index, count, path);
  if (root === undefined) return forged("its path leads to no root");
  const signed = input(genesisHash, signer, batch, count, root);
  const name = nameOf({ message: signed, signature });
  if (roots?.has(name) !== true) {
    if (!verifyByRule(signer, signed, signature)) return forged("its signature is not valid");
    roots?.add(name);
  }
  return ok({ bytes: record, hash: sha256(record), signer });
}

/**
 * A record of a chain in which a later one has been opened, and names it, or one after it, by
 * its hash: that vouches for it as its signature would, at a fifth of the cost. STATE_FORGED:
 * these bytes are no sealed record.
 */
export function openChained(sealed: Uint8Array): Result<Omit<VerifiedRecord, "signer">, CellError> {
  const decoded = decodeStrict(SealedRecordSchema, sealed, BOUNDS);
  if (!decoded.ok) return forged(decoded.error.message);
  const { record } = decoded.value;
  return ok({ bytes: record, hash: sha256(record) });
}

const forged = (why: string) =>
  err(new CellError("STATE_FORGED", `the record is not what a node wrote: ${why}`));
