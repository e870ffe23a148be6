// Who takes part: the cell's own, and those whose certificates or signatures are odd.

import { createHash } from "node:crypto";
import { Point } from "@noble/ed25519";
import { concat } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import type { Certificate, CertificateClaims } from "../../../src/security/trust/certificate.ts";
import { bobCertificate, certify, keyOf, keys, NOW } from "../../security/cell-fixture.ts";
import { end, follow, type How } from "../../security/rotation-fixture.ts";
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

/** Keys that follow another, and that one: both count, it was ended, given back, its time is over, nobody agreed. */
export const rotated = {
  both: [keyOf(70), keyOf(71)],
  ended: [keyOf(72), keyOf(73)],
  given: [keyOf(74), keyOf(75)],
  over: [keyOf(76), keyOf(77)],
  forged: [keyOf(78), keyOf(79)],
  /** Of a node that signs roots. */
  node: [keyOf(80), keyOf(81)],
} as const;
type Pair = readonly [before: SigningKey, next: SigningKey];

/** Its first certificate, and those after it. */
function follower(
  principal: string,
  [before, next]: Pair,
  how: How = {},
  claims: Partial<CertificateClaims> = {},
) {
  const first = certify({ principal, key: before.publicKey, ...claims });
  return [first, follow(first, before, next, how)] as const;
}
const both = follower("both", rotated.both);
const ended = follower("ended", rotated.ended);
const given = follower("given", rotated.given);
const over = { claims: {}, preserveUntilUnixMs: NOW };
const node = { kind: "node", shards: [{ first: 0, last: 0 }] } as const;
/** The newer ones first, where that is the harder order. */
const rotations: readonly Certificate[] = [
  ...both,
  ...[end(ended[1]), ended[1], ended[0]],
  ...[...given, end(given[1], keys.issuer, rotated.given[0].publicKey)],
  ...follower("over", rotated.over, over),
  ...follower("forged", rotated.forged, { genesisHash: new Uint8Array(32) }),
  ...follower("node", rotated.node, over, node).toReversed(),
];

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
  ...rotations,
].map(({ bytes }) => bytes);
