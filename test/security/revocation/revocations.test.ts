// Records of revocations: their form, and who may have signed one.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignedRevocationsSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { readHead, signHead } from "../../../src/security/revocation/head.ts";
import {
  MAX_REVOCATIONS_BYTES,
  type RevocationClaims,
  type Revocations,
  readRevocations,
  signRevocations,
} from "../../../src/security/revocation/revocations.ts";
import { MAX_BARE_HASHES, MAX_REVOKED_TOKENS, MAX_SCOPES } from "../../../src/security/revocation/revoked.ts";
import { decodeStrict } from "../../../src/security/wire/strict-decode.ts";
import {
  annCertificate,
  certify,
  codeOf,
  genesis,
  issuerCertificate,
  keyOf,
  keys,
  must,
  NOW,
  nodeBCertificate,
  nodeCertificate,
} from "../cell-fixture.ts";
import { follow } from "../rotation-fixture.ts";
import {
  bare,
  hashOf,
  revocationClaims,
  revocationsOf,
  revokedOf,
  type Signing,
  sealingOf,
  termsOf,
} from "./revocation-fixture.ts";

const YEAR_MS = 365 * 86_400_000;
const numbered = (n: number): Uint8Array => {
  const hash = hashOf(0);
  new DataView(hash.buffer).setUint32(0, n);
  return hash;
};

describe("a record of revocations", () => {
  const record = revocationsOf(
    revokedOf(
      [
        { hash: hashOf(9), terms: termsOf() },
        { hash: hashOf(2) },
        { hash: hashOf(200), terms: termsOf({ scope: "default", epoch: 3 }) },
      ],
      { shop: 3, default: 1 },
    ),
  );

  test("is read as it was made, in one form whatever the order was", () => {
    const read = must(readRevocations(record.bytes, genesis, NOW));
    expect(read).toEqual(record);
    expect([...read.epochs]).toEqual([
      ["default", 1],
      ["shop", 3],
    ]);
    expect([...read.tokens.values()].map(({ hash, terms }) => [hash[0], terms?.scope])).toEqual([
      [2, undefined],
      [9, "shop"],
      [200, "default"],
    ]);
    expect(read.signer).toEqual(keys.nodeA.publicKey);
  });

  test("changed in any byte is refused, or says the same", () => {
    fc.assert(
      fc.property(fc.nat(record.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = record.bytes.map((byte, index) => (index === at ? byte ^ flip : byte));
        expect(codeOf(readRevocations(forged, genesis, NOW))).toBe("CAPABILITY_REVOCATIONS_INVALID");
      }),
      { numRuns: 300 },
    );
  });

  test.for<[what: string, claims: Partial<RevocationClaims>]>([
    ["a fraction", { issuedUnixMs: 1.5 }],
    ["an author that is no name", { author: "" }],
    ["a cause that is no id", { causeId: new Uint8Array(3) }],
    ["epoch 0 of a scope", revokedOf([], { shop: 0 })],
    ["an epoch more than a year ahead", revokedOf([], { shop: NOW + YEAR_MS + 1 })],
    ["a scope that is no name", revokedOf([], { Shop: 1 })],
    ["a hash that is none", revokedOf([{ hash: new Uint8Array(31) }])],
    [
      "a token of a scope that is no name",
      revokedOf([{ hash: hashOf(1), terms: termsOf({ scope: "a b" }) }]),
    ],
    ["a token of no scope that ends", revokedOf([{ hash: hashOf(1), terms: termsOf({ scope: "" }) }])],
    [
      "more hashes alone than fit",
      revokedOf(Array.from({ length: MAX_BARE_HASHES + 1 }, (_, n) => ({ hash: numbered(n) }))),
    ],
  ])("with %s is not made", ([, claims]) => {
    expect(codeOf(signRevocations(revocationClaims(claims), sealingOf()))).toBe(
      "CAPABILITY_REVOCATIONS_INVALID",
    );
  });

  test("of the largest size is read", () => {
    const tokens = Array.from({ length: MAX_REVOKED_TOKENS }, (_, n) => ({
      hash: numbered(n),
      terms: termsOf({ scope: "s".repeat(63), epoch: NOW }),
    }));
    const epochs = Array.from({ length: MAX_SCOPES }, (_, n) => [`${"s".repeat(55)}${n}`, NOW] as const);
    const largest = revocationsOf(revokedOf(tokens, Object.fromEntries(epochs)));
    expect(largest.bytes.length).toBeLessThan(MAX_REVOCATIONS_BYTES);
    expect(largest.tokens.size).toBe(MAX_REVOKED_TOKENS);
  });
});

describe("who may have signed a record", () => {
  const stranger = keyOf(60);
  const ownIssuer = certify({ key: keyOf(61).publicKey, principal: "issuer", kind: "issuer" }, stranger);
  const shards = [{ first: 0, last: 255 }];
  const node = { key: keyOf(62).publicKey, principal: "c", kind: "node", shards } as const;
  const verdict = (signing: Signing) => codeOf(signRevocations(revocationClaims(), sealingOf(signing)));

  test.for<[who: string, code: string, signing: Signing]>([
    ["a node of shard 0", "ok", {}],
    [
      "a node that was certified for it, and has another key by now",
      "ok",
      {
        key: keyOf(62),
        certificate: certify({ ...node, notAfterUnixMs: NOW - 1, notBeforeUnixMs: NOW - 2 }),
      },
    ],
    [
      "a node without shard 0",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keys.nodeB, certificate: nodeBCertificate },
    ],
    ["a client", "CAPABILITY_REVOCATIONS_INVALID", { key: keys.ann, certificate: annCertificate }],
    [
      "a node under another's certificate",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keys.nodeB, certificate: nodeCertificate },
    ],
    [
      "a node whom a stranger certified",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keyOf(62), certificate: certify(node, stranger) },
    ],
    [
      "a node of an issuer of its own",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keyOf(62), certificate: certify(node, keyOf(61)), issuer: ownIssuer },
    ],
    [
      "a node whom a node certified",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keyOf(62), certificate: certify(node, keys.nodeA), issuer: nodeCertificate },
    ],
    [
      "the issuer itself",
      "CAPABILITY_REVOCATIONS_INVALID",
      { key: keys.issuer, certificate: issuerCertificate },
    ],
  ])("%s: %s", ([, code, signing]) => {
    expect(verdict(signing)).toBe(code);
  });

  test("a signature of a certificate is checked, not only its names", () => {
    const record = revocationsOf();
    const frame = must(
      decodeStrict(SignedRevocationsSchema, record.bytes, { "SignedRevocations.certificates": 2 }),
    );
    for (const at of [0, 1]) {
      const certificates = frame.certificates.map((bytes, index) =>
        index === at ? bytes.map((byte, place) => (place === bytes.length - 1 ? byte ^ 1 : byte)) : bytes,
      );
      const forged = toBinary(
        SignedRevocationsSchema,
        create(SignedRevocationsSchema, { ...frame, certificates }),
      );
      expect(codeOf(readRevocations(forged, genesis, NOW)), `certificate ${at}`).toBe(
        "CAPABILITY_REVOCATIONS_INVALID",
      );
    }
  });
});

describe("a head", () => {
  const head = { hash: hashOf(3), atUnixMs: NOW };
  const read = (bytes: Uint8Array, key = keys.nodeA) => readHead(bytes, [key.publicKey], genesis.hash);

  test("is read as it was said; changed, of another key or of another cell, it is refused", () => {
    const said = signHead(head, keys.nodeA, genesis.hash);
    expect(must(read(said))).toEqual(head);
    for (let at = 0; at < said.length; at += 1) {
      const forged = said.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(codeOf(read(forged))).toBe("CAPABILITY_REVOCATIONS_INVALID");
    }
    for (const other of [
      signHead(head, keys.nodeB, genesis.hash),
      signHead(head, keys.nodeA, hashOf(1)),
      signHead({ ...head, hash: new Uint8Array(31) }, keys.nodeA, genesis.hash),
      new Uint8Array(300),
    ])
      expect(codeOf(read(other))).toBe("CAPABILITY_REVOCATIONS_INVALID");
  });
});

test("a record is no head, and a head no record", () => {
  const record: Revocations = revocationsOf(bare(1));
  expect(codeOf(readHead(record.bytes, [keys.nodeA.publicKey], genesis.hash))).toBe(
    "CAPABILITY_REVOCATIONS_INVALID",
  );
  const said = signHead({ hash: record.hash, atUnixMs: NOW }, keys.nodeA, genesis.hash);
  expect(codeOf(readRevocations(said, genesis, NOW))).toBe("CAPABILITY_REVOCATIONS_INVALID");
});

test("a record of a node whose key is rotated is read by the newest certificate, and of an issuer's likewise", () => {
  const next = keyOf(90);
  const node = follow(nodeCertificate, keys.nodeA, next);
  const issuer = follow(issuerCertificate, keys.issuer, keyOf(91));
  for (const key of [keys.nodeA, next]) {
    const record = revocationsOf(bare(1), { key, certificate: node, issuer });
    expect(must(readRevocations(record.bytes, genesis, NOW)).signer).toEqual(key.publicKey);
  }
  expect(() => revocationsOf(bare(1), { key: keys.nodeB, certificate: node, issuer })).toThrow(
    expect.objectContaining({ code: "CAPABILITY_REVOCATIONS_INVALID" }),
  );
});

test("a head counts by either key of an authority whose key is rotated", () => {
  const next = keyOf(90);
  const authority = [next.publicKey, keys.nodeA.publicKey];
  for (const key of [keys.nodeA, next])
    expect(
      codeOf(
        readHead(signHead({ hash: hashOf(3), atUnixMs: NOW }, key, genesis.hash), authority, genesis.hash),
      ),
    ).toBe("ok");
});
