// The capability authority's word on which record of revocations is the newest, a second old at
// most: what lets a node tell that somebody keeps a newer one from it.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { RevocationsHeadBodySchema, SignedRevocationsHeadSchema } from "../../gen/cell0/v1/capability_pb.ts";
import { copyOf } from "../bytes.ts";
import type { SigningKey } from "../keys/signing-key.ts";
import type { Genesis } from "../trust/genesis.ts";
import { openSigned } from "../wire/open-signed.ts";
import { HASH_BYTES, revocationsHeadInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";

const MAX_HEAD_BYTES = 256;

export type HeadClaims = {
  /** Of the newest record; 0: nothing was ever revoked. */
  readonly generation: number;
  /** SHA-256 of that record's body; empty when there is none. */
  readonly hash: Uint8Array;
  readonly atUnixMs: number;
};

export type Head = HeadClaims & { readonly signer: Uint8Array };

/** SignedRevocationsHead. */
export function signHead(
  { generation, hash, atUnixMs }: HeadClaims,
  key: SigningKey,
  genesis: Genesis,
): Uint8Array {
  const body = toBinary(
    RevocationsHeadBodySchema,
    create(RevocationsHeadBodySchema, { generation: BigInt(generation), hash, atUnixMs: BigInt(atUnixMs) }),
  );
  const signature = key.sign(revocationsHeadInput(genesis.hash, body));
  const signed = create(SignedRevocationsHeadSchema, { body, signer: key.publicKey, signature });
  return toBinary(SignedRevocationsHeadSchema, signed);
}

/** Form and signature; whether its signer may say so is the caller's to judge. CAPABILITY_REVOCATIONS_INVALID; never throws. */
export function readHead(bytes: Uint8Array, genesis: Genesis): Result<Head, CellError> {
  if (bytes.length > MAX_HEAD_BYTES) return invalid("it is too large");
  const signed = openSigned(decodeStrict(SignedRevocationsHeadSchema, bytes, {}), (body) =>
    revocationsHeadInput(genesis.hash, body),
  );
  if (!signed.ok) return invalid(signed.error);
  const decoded = decodeStrict(RevocationsHeadBodySchema, signed.value.body, {});
  if (!decoded.ok) return invalid(decoded.error.message);
  const [generation, atUnixMs] = [Number(decoded.value.generation), Number(decoded.value.atUnixMs)];
  const { hash } = decoded.value;
  if (!Number.isSafeInteger(generation) || !Number.isSafeInteger(atUnixMs))
    return invalid("a number is beyond 2^53 - 1");
  if (hash.length !== (generation === 0 ? 0 : HASH_BYTES)) return invalid("its hash has the wrong length");
  return ok({ generation, hash: copyOf(hash), atUnixMs, signer: copyOf(signed.value.signer) });
}

const invalid = (why: string) =>
  err(new CellError("CAPABILITY_REVOCATIONS_INVALID", `the head of revocations is not valid: ${why}`));
