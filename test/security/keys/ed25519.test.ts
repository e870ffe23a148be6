import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import * as noble from "@noble/ed25519";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signaturesPage } from "../../../scripts/generate-signatures.ts";
import { signatureVectors } from "../../../scripts/signature-vectors.ts";
import { fromHex, toHex } from "../../../src/security/bytes.ts";
import { admitKey } from "../../../src/security/keys/admit-key.ts";
import { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { verifyByRule, verifyEd25519 } from "../../../src/security/keys/verify.ts";
import { codeOf, keyOf, keys } from "../cell-fixture.ts";
import { L, littleEndian, number, torsion } from "./odd-signature.ts";

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const P = 2n ** 255n - 19n;
const smallOrderPoints = Array.from({ length: 8 }, (_, times) => torsion.multiply(BigInt(times), false));

describe("signing and verifying", () => {
  test("node:crypto and noble make the same keys and signatures, and accept each other's", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), (seed, message) => {
        const key = SigningKey.fromSeed(seed);
        const signature = key.sign(message);
        expect(toHex(key.publicKey)).toBe(toHex(noble.getPublicKey(seed)));
        expect(toHex(signature)).toBe(toHex(noble.sign(message, seed)));
        expect(verifyEd25519(key.publicKey, message, signature)).toBe(true);
        expect(noble.verify(signature, message, key.publicKey)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test("any flipped bit voids a signature", () => {
    const message = new Uint8Array(40).fill(5);
    const signature = keys.ann.sign(message);
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const forged = Uint8Array.from(signature);
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verifyEd25519(keys.ann.publicKey, message, forged)).toBe(false);
      }),
    );
  });

  test("wrong lengths and arbitrary keys are false, never an exception", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array(),
        fc.uint8Array({ maxLength: 70 }),
        (key, m, s) => {
          expect(verifyEd25519(key, m, s)).toBe(false);
        },
      ),
    );
  });

  test("a second form of a valid signature, S + L, is refused", () => {
    const message = new Uint8Array(3);
    const signature = keys.ann.sign(message);
    const malleable = Uint8Array.from(signature);
    malleable.set(littleEndian(number(signature.subarray(32)) + L), 32);
    expect(verifyEd25519(keys.ann.publicKey, message, malleable)).toBe(false);
  });

  test("what node:crypto accepts, ZIP215 accepts, also with torsion in the nonce", () => {
    const message = new Uint8Array(8).fill(1);
    const secret = 1234567890123456789n;
    const key = noble.Point.BASE.multiply(secret);
    for (const point of smallOrderPoints) {
      const nonce = 987654321987654321n;
      const r = noble.Point.BASE.multiply(nonce).add(point).toBytes();
      const digest = hash("sha512", Buffer.concat([r, key.toBytes(), message]), "buffer");
      const s = (nonce + number(digest) * secret) % L;
      const signature = Buffer.concat([r, littleEndian(s)]);
      expect(noble.verify(signature, message, key.toBytes())).toBe(true);
      expect(verifyEd25519(key.toBytes(), message, signature)).toBe(point.is0());
      expect(verifyByRule(key.toBytes(), message, signature)).toBe(true);
    }
  });

  const vectors = signatureVectors();
  test.for(["cctv", "speccheck", "wycheproof", "zip215"])(
    "the vectors of %s are judged by the rule",
    (from) => {
      const rows = vectors.filter(({ source }) => source === from);
      expect(rows.length).toBeGreaterThan(10);
      const judged = rows.map(({ id, key, signature, message }) => [
        id,
        verifyByRule(key, message, signature),
      ]);
      expect(judged).toEqual(rows.map(({ id, verdict }) => [id, verdict === "valid"]));
    },
  );

  test("docs/signatures.md is what they say", () => {
    const page = join(import.meta.dirname, "..", "..", "..", "docs", "signatures.md");
    expect(readFileSync(page, "utf8")).toBe(signaturesPage());
  });

  test("the quick way accepts nothing that the rule refuses, and refuses some that it admits", () => {
    const quick = vectors.filter(({ key, signature, message }) => verifyEd25519(key, message, signature));
    expect(quick.filter(({ verdict }) => verdict !== "valid")).toEqual([]);
    const valid = vectors.filter(({ verdict }) => verdict === "valid");
    expect(quick.length).toBeGreaterThan(valid.length / 4);
    expect(quick.length).toBeLessThan(valid.length);
  });

  test("more keys than the cache holds are all verified rightly", () => {
    const message = new Uint8Array(1);
    for (let at = 0; at < 1_100; at += 1) {
      const seed = new Uint8Array(32);
      new DataView(seed.buffer).setUint32(0, at);
      const key = SigningKey.fromSeed(seed);
      expect(verifyEd25519(key.publicKey, message, key.sign(message))).toBe(true);
    }
  });
});

describe("a signing key", () => {
  test("does not print its seed", () => {
    const seed = new Uint8Array(32).fill(0xab);
    const key = SigningKey.fromSeed(seed);
    const text = `${key}${inspect(key, { depth: 9, showHidden: true })}${JSON.stringify(key)}`;
    expect(text).not.toContain("abababab");
  });

  test("is not made from a seed of another length", () => {
    expect(() => SigningKey.fromSeed(new Uint8Array(31))).toThrow(
      expect.objectContaining({ code: "AUTHORITY_KEY_INVALID" }),
    );
  });
});

describe("admitting a public key", () => {
  const encodings = new Set<string>();
  for (const point of smallOrderPoints) {
    const y = point.toAffine().y;
    for (const same of [y, y + P].filter((value) => value < 2n ** 255n)) {
      for (const sign of [0n, 1n << 255n]) encodings.add(toHex(littleEndian(same + sign)));
    }
  }

  test("every encoding of the eight small-order points is refused", () => {
    expect(encodings.size).toBe(14);
    for (const hex of encodings) {
      const admitted = admitKey(fromHex(hex) ?? new Uint8Array());
      expect(admitted).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining("small order") },
      });
    }
  });

  test("keys that are not canonical or not on the curve are refused", () => {
    for (let y = P; y < 2n ** 255n; y += 1n)
      expect(codeOf(admitKey(littleEndian(y)))).toBe("AUTHORITY_KEY_INVALID");
    expect(codeOf(admitKey(littleEndian(2n)))).toBe("AUTHORITY_KEY_INVALID");
    for (const size of [0, 31, 33])
      expect(codeOf(admitKey(new Uint8Array(size)))).toBe("AUTHORITY_KEY_INVALID");
  });

  test("honest keys are admitted, and their copy is independent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (byte) => {
        const source = Uint8Array.from(keyOf(byte).publicKey);
        const admitted = admitKey(source);
        source.fill(0);
        expect(admitted.ok && toHex(admitted.value)).toBe(toHex(keyOf(byte).publicKey));
      }),
      { numRuns: 20 },
    );
  });
});
