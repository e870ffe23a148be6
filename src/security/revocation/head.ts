// The capability authority's word on which record of revocations it has, a second old at most:
// what lets a node tell that somebody keeps one from it.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { RevocationsHeadBodySchema, SignedRevocationsHeadSchema } from "../../gen/cell0/v1/capability_pb.ts";
import { copyOf, equalBytes } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { verifyEd25519 } from "../keys/verify.ts";
import { openSigned } from "../wire/open-signed.ts";
import { HASH_BYTES, revocationsHeadInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";

const MAX_HEAD_BYTES = 256;

export type Head = {
  /** Of the newest record; empty: nothing was ever revoked. */
  readonly hash: Uint8Array;
  readonly atUnixMs: number;
};

/** SignedRevocationsHead. */
export function signHead({ hash, atUnixMs }: Head, key: Signer, genesisHash: Uint8Array): Uint8Array {
  const body = toBinary(
    RevocationsHeadBodySchema,
    create(RevocationsHeadBodySchema, { hash, atUnixMs: BigInt(atUnixMs) }),
  );
  const signature = key.sign(revocationsHeadInput(genesisHash, body));
  const signed = create(SignedRevocationsHeadSchema, { body, signer: key.publicKey, signature });
  return toBinary(SignedRevocationsHeadSchema, signed);
}

/** CAPABILITY_REVOCATIONS_INVALID unless it is whole, and of one of these keys; never throws. */
export function readHead(
  bytes: Uint8Array,
  authority: readonly Uint8Array[],
  genesisHash: Uint8Array,
): Result<Head, CellError> {
  if (bytes.length > MAX_HEAD_BYTES) return invalid("it is too large");
  const frame = decodeStrict(SignedRevocationsHeadSchema, bytes, {});
  if (frame.ok && !authority.some((key) => equalBytes(frame.value.signer, key)))
    return invalid("its signer is not the authority");
  const signed = openSigned(frame, (body) => revocationsHeadInput(genesisHash, body), verifyEd25519);
  if (!signed.ok) return invalid(signed.error);
  const decoded = decodeStrict(RevocationsHeadBodySchema, signed.value.body, {});
  if (!decoded.ok) return invalid(decoded.error.message);
  const { hash } = decoded.value;
  const atUnixMs = Number(decoded.value.atUnixMs);
  if (!Number.isSafeInteger(atUnixMs)) return invalid("a number is beyond 2^53 - 1");
  if (hash.length !== 0 && hash.length !== HASH_BYTES) return invalid("its hash has the wrong length");
  return ok({ hash: copyOf(hash), atUnixMs });
}

const invalid = (why: string) =>
  err(new CellError("CAPABILITY_REVOCATIONS_INVALID", `the head of revocations is not valid: ${why}`));
