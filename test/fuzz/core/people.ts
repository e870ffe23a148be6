// Who takes part: the cell's own, and those whose certificates or signatures are odd.

import { createHash } from "node:crypto";
import { Point } from "@noble/ed25519";
import { concat } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { bobCertificate, certify, keyOf, NOW } from "../../security/cell-fixture.ts";
import { certificates } from "../samples.ts";

/** The order of the group's large part. */
const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
/** A point of order 8. */
const TORSION = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", true);

const numberOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const bytesOf = (number: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 0xffn));

/** Its key has a part of small order: of its signatures the rule admits all, OpenSSL one in eight. */
function oddOf(secret: bigint): Pick<SigningKey, "publicKey" | "sign"> {
  const nonce = 987_654_321n;
  const publicKey = Point.BASE.multiply(secret).add(TORSION).toBytes();
  const r = Point.BASE.multiply(nonce).toBytes();
  const sign = (message: Uint8Array) => {
    const digest = createHash("sha512")
      .update(concat(r, publicKey, message))
      .digest();
    const challenge = numberOf(digest) % ORDER;
    return Uint8Array.from(concat(r, bytesOf((nonce + challenge * secret) % ORDER)));
  };
  return { publicKey, sign };
}
export const odd = oddOf(123_456_789n);
export const oddNode = oddOf(123_456_780n);

export const people = {
  cyd: keyOf(8),
  dan: keyOf(9),
  /** Whose certificate has ended. */
  fay: keyOf(10),
  /** Nobody has certified. */
  gus: keyOf(11),
};

export const cydCertificate = certify({ principal: "cyd", key: people.cyd.publicKey });

/** Issuers before the others are not needed: some wait. */
export const everyone: readonly Uint8Array[] = [
  ...certificates,
  bobCertificate,
  cydCertificate,
  certify({ principal: "dan", key: people.dan.publicKey }),
  certify({ principal: "fay", key: people.fay.publicKey, notAfterUnixMs: NOW }),
  certify({ principal: "odd", key: odd.publicKey }),
  certify({ principal: "odd-node", key: oddNode.publicKey, kind: "node" }),
].map(({ bytes }) => bytes);
