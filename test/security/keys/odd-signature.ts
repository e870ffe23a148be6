// A signature that only a deliberate signer makes: its nonce has a part of small order. ZIP215
// admits it; verifiers without the cofactor, OpenSSL among them, do not.
import { hash } from "node:crypto";
import * as noble from "@noble/ed25519";
import type { Signer } from "../../../src/security/keys/signing-key.ts";
import { verifyByRule } from "../../../src/security/keys/verify.ts";
import { sealOne } from "../../../src/security/wire/seal.ts";

/** Order of the group's prime part. */
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
export const torsion = noble.Point.fromHex(
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
);
export const number = (le: Uint8Array): bigint =>
  le.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
export const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));

export function oddSignature(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const { scalar, pointBytes } = noble.utils.getExtendedPublicKey(seed);
  const nonce = 987654321987654321n;
  const r = noble.Point.BASE.multiply(nonce).add(torsion).toBytes();
  const k = number(hash("sha512", Buffer.concat([r, pointBytes, message]), "buffer"));
  const signature = Buffer.concat([r, littleEndian((nonce + k * scalar) % L)]);
  if (!verifyByRule(pointBytes, message, signature)) throw new Error("it was to be valid by the rule");
  return signature;
}

/** One capsule in an envelope that is signed so. */
export function sealedOddly(
  capsule: Uint8Array,
  key: Signer,
  seed: Uint8Array,
  genesisHash: Uint8Array,
): Uint8Array {
  const odd: Pick<Signer, "publicKey" | "sign"> = {
    publicKey: key.publicKey,
    sign: (message) => oddSignature(seed, message),
  };
  return sealOne(capsule, { key: odd as Signer, genesisHash });
}
