// A cell's root of trust. The hash is over the bytes as first written: they are
// kept and handed on as they are.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { GenesisSchema } from "../../gen/cell0/v1/trust_pb.ts";
import { copyOf, sha256 } from "../bytes.ts";
import { admitKey } from "../keys/admit-key.ts";
import { isToken } from "../names.ts";
import { decodeStrict } from "../wire/strict-decode.ts";

export const SHARDS = 256;
export const NONCE_BYTES = 16;
const MAX_GENESIS_BYTES = 1024;

export type Genesis = {
  readonly cell: string;
  readonly genesisKey: Uint8Array;
  readonly createdUnixMs: number;
  readonly nonce: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
};

export type NewGenesis = Pick<Genesis, "cell" | "genesisKey" | "createdUnixMs" | "nonce">;

export function createGenesis(input: NewGenesis): Result<Genesis, CellError> {
  const createdUnixMs = BigInt(Math.trunc(input.createdUnixMs));
  return readGenesis(
    toBinary(GenesisSchema, create(GenesisSchema, { ...input, createdUnixMs, shards: SHARDS })),
  );
}

/** AUTHORITY_GENESIS_INVALID unless every byte is as it should be. */
export function readGenesis(source: Uint8Array): Result<Genesis, CellError> {
  if (source.length > MAX_GENESIS_BYTES) return invalid("it is too large");
  const bytes = copyOf(source);
  const decoded = decodeStrict(GenesisSchema, bytes, {});
  if (!decoded.ok) return invalid(decoded.error.message);
  const { cell, genesisKey, createdUnixMs, shards, nonce } = decoded.value;
  if (!isToken(cell)) return invalid("the cell's name is not a token of [a-z0-9-]");
  const key = admitKey(genesisKey);
  if (!key.ok) return invalid(key.error.message);
  if (shards !== SHARDS) return invalid(`it has ${shards} shards instead of ${SHARDS}`);
  if (nonce.length !== NONCE_BYTES) return invalid(`its nonce has not ${NONCE_BYTES} bytes`);
  if (createdUnixMs > BigInt(Number.MAX_SAFE_INTEGER)) return invalid("its time is out of range");
  return ok({
    cell,
    genesisKey: key.value,
    createdUnixMs: Number(createdUnixMs),
    nonce: copyOf(nonce),
    hash: sha256(bytes),
    bytes,
  });
}

const invalid = (why: string) =>
  err(new CellError("AUTHORITY_GENESIS_INVALID", `the genesis is not valid: ${why}`));
