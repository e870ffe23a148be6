import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Algorithm, EnvelopeSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { sha256, toHex } from "../../../src/security/bytes.ts";
import { verifyEd25519 } from "../../../src/security/keys/verify.ts";
import { decodeEnvelope } from "../../../src/security/wire/envelope.ts";
import { sealBatch, sealOne } from "../../../src/security/wire/seal.ts";
import { VerifiedRoots, verifyEnvelope } from "../../../src/security/wire/verify-envelope.ts";
import { bytesOf, codeOf, genesis, keys, must, sealed, sealingOf } from "../cell-fixture.ts";

const open = (bytes: Uint8Array, hash = genesis.hash, roots?: VerifiedRoots) => {
  const decoded = decodeEnvelope(bytes);
  return decoded.ok ? verifyEnvelope(decoded.value, hash, roots) : decoded;
};
const some = (count: number) => Array.from({ length: count }, () => bytesOf());
const sealing = sealingOf(keys.ann);
const signature = new Uint8Array(64);

describe("a single signature", () => {
  test("is over the bytes that capsule.proto states", () => {
    const capsule = bytesOf();
    const decoded = must(decodeEnvelope(sealOne(capsule, sealing)));
    const stated = Buffer.concat([
      Buffer.from("cell0/v1/capsule\0"),
      genesis.hash,
      Uint8Array.of(1),
      keys.ann.publicKey,
      sha256(capsule),
    ]);
    expect(verifyEd25519(keys.ann.publicKey, stated, decoded.proof.signature)).toBe(true);
  });

  test("verifies, and yields the bytes and their hash", () => {
    const capsule = bytesOf();
    const [only] = must(open(sealOne(capsule, sealing)));
    expect(toHex(only?.bytes ?? signature)).toBe(toHex(capsule));
    expect(toHex(only?.hash ?? signature)).toBe(toHex(sha256(capsule)));
  });

  test("is void in another cell", () => {
    expect(codeOf(open(sealed(), new Uint8Array(32)))).toBe("CAPSULE_SIGNATURE_INVALID");
  });

  test("is void under another issuer", () => {
    const decoded = must(decodeEnvelope(sealed()));
    const stolen = { ...decoded, issuer: keys.bob.publicKey };
    expect(codeOf(verifyEnvelope(stolen, genesis.hash))).toBe("CAPSULE_SIGNATURE_INVALID");
  });
});

describe("a batch", () => {
  test("is signed over the bytes that capsule.proto states", () => {
    const [bytes = signature] = sealBatch([some(3)], sealing, 7n);
    const { proof } = must(decodeEnvelope(bytes));
    if (proof.kind !== "merkle") throw new Error("no batch");
    const numbers = Buffer.from("0000000000000007" + "00000003", "hex");
    const stated = Buffer.concat([
      Buffer.from("cell0/v1/batch\0"),
      genesis.hash,
      Uint8Array.of(1),
      keys.ann.publicKey,
      numbers,
      proof.root,
    ]);
    expect(verifyEd25519(keys.ann.publicKey, stated, proof.signature)).toBe(true);
  });

  test("spread over envelopes verifies in each of them, for any grouping", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }), (sizes) => {
        const groups = sizes.map(some);
        const roots = new VerifiedRoots();
        sealBatch(groups, sealing, 1n).forEach((bytes, at) => {
          const verified = must(open(bytes, genesis.hash, roots));
          expect(verified.map((each) => toHex(each.bytes))).toEqual(groups[at]?.map(toHex));
        });
      }),
      { numRuns: 40 },
    );
  });

  test("is void when a capsule is taken out, added, swapped or moved to another index or count", () => {
    const [bytes = signature] = sealBatch([some(4), some(3)], sealing, 1n);
    const good = must(decodeEnvelope(bytes));
    if (good.proof.kind !== "merkle") throw new Error("no batch");
    const { proof } = good;
    const [a = signature, b = signature, ...rest] = good.capsules;
    const forged = [
      { ...good, capsules: [a, b, ...rest.slice(1)] },
      { ...good, capsules: [b, a, ...rest] },
      { ...good, capsules: [...good.capsules, bytesOf()] },
      { ...good, proof: { ...proof, firstIndex: 1 } },
      { ...good, proof: { ...proof, count: 8 } },
      { ...good, proof: { ...proof, batch: 2n } },
      { ...good, proof: { ...proof, path: [] } },
      { ...good, proof: { ...proof, root: new Uint8Array(32) } },
    ];
    const codes = forged.map((envelope) =>
      codeOf(verifyEnvelope(envelope, genesis.hash, new VerifiedRoots())),
    );
    for (const code of codes) expect(code).toMatch(/^CAPSULE_(PROOF|SIGNATURE)_INVALID$/);
  });

  test("whose root was verified once is not believed with another signature, count or issuer", () => {
    const [first = signature] = sealBatch([some(2), some(2)], sealing, 1n);
    const roots = new VerifiedRoots();
    must(open(first, genesis.hash, roots));
    const good = must(decodeEnvelope(first));
    if (good.proof.kind !== "merkle") throw new Error("no batch");
    const otherSignature = { ...good, proof: { ...good.proof, signature } };
    const otherIssuer = { ...good, issuer: keys.bob.publicKey };
    for (const envelope of [otherSignature, otherIssuer]) {
      expect(codeOf(verifyEnvelope(envelope, genesis.hash, roots))).toBe("CAPSULE_SIGNATURE_INVALID");
    }
  });

  test("remembers no more roots than its bound", () => {
    const roots = new VerifiedRoots(2);
    for (const name of ["a", "b", "c"]) roots.add(name);
    expect(["a", "b", "c"].map((name) => roots.has(name))).toEqual([false, true, true]);
  });

  test("is not made of empty or oversized groups", () => {
    expect(() => sealBatch([[]], sealing, 1n)).toThrow(RangeError);
    expect(() => sealBatch([some(65)], sealing, 1n)).toThrow(RangeError);
  });
});

describe("an envelope", () => {
  const capsule = bytesOf();
  const base = {
    issuer: keys.ann.publicKey,
    algorithm: Algorithm.ED25519,
    capsules: [capsule],
    proof: { case: "single" as const, value: { signature } },
  };
  const merkle = {
    signature,
    batch: 1n,
    count: 1,
    firstIndex: 0,
    root: new Uint8Array(32),
    path: [] as Uint8Array[],
  };
  const batch = (fields: Partial<typeof merkle>) => ({
    ...base,
    proof: { case: "merkle" as const, value: { ...merkle, ...fields } },
  });
  const faults: readonly (readonly [string, Parameters<typeof create<typeof EnvelopeSchema>>[1], string])[] =
    [
      ["a short issuer", { ...base, issuer: new Uint8Array(31) }, "CAPSULE_MALFORMED"],
      ["no algorithm", { ...base, algorithm: Algorithm.UNSPECIFIED }, "CAPSULE_ALGORITHM_UNKNOWN"],
      ["no capsules", { ...base, capsules: [] }, "CAPSULE_MALFORMED"],
      ["65 capsules", { ...base, capsules: some(65) }, "CAPSULE_MALFORMED"],
      ["an oversized capsule", { ...base, capsules: [new Uint8Array(81 * 1024)] }, "CAPSULE_TOO_LARGE"],
      ["two capsules under a single signature", { ...base, capsules: some(2) }, "CAPSULE_PROOF_INVALID"],
      ["no proof", { ...base, proof: { case: undefined } }, "CAPSULE_PROOF_INVALID"],
      [
        "a short signature",
        { ...base, proof: { case: "single", value: { signature: new Uint8Array(63) } } },
        "CAPSULE_PROOF_INVALID",
      ],
      ["a batch of none", batch({ count: 0 }), "CAPSULE_PROOF_INVALID"],
      ["a batch of 4,097", batch({ count: 4097 }), "CAPSULE_PROOF_INVALID"],
      ["an index beyond the batch", batch({ firstIndex: 1 }), "CAPSULE_PROOF_INVALID"],
      ["an index that overflows", batch({ firstIndex: 0xffff_ffff }), "CAPSULE_PROOF_INVALID"],
      ["a short root", batch({ root: new Uint8Array(31) }), "CAPSULE_PROOF_INVALID"],
      ["a short hash in the path", batch({ path: [new Uint8Array(31)] }), "CAPSULE_PROOF_INVALID"],
      [
        "25 hashes in the path",
        batch({ path: Array.from({ length: 25 }, () => new Uint8Array(32)) }),
        "CAPSULE_MALFORMED",
      ],
    ];

  test.each(faults)("with %s is refused", (_name, message, code) => {
    expect(codeOf(decodeEnvelope(toBinary(EnvelopeSchema, create(EnvelopeSchema, message))))).toBe(code);
  });

  test("beyond the size limit is refused before it is read", () => {
    expect(codeOf(decodeEnvelope(new Uint8Array(1024 * 1024 + 1)))).toBe("CAPSULE_TOO_LARGE");
    expect(codeOf(decodeEnvelope(sealed(), 10))).toBe("CAPSULE_TOO_LARGE");
  });

  test("that verifies after any mutation still holds the capsules that were signed", () => {
    const [batched = signature] = sealBatch([some(3), some(2)], sealing, 1n);
    const originals = [batched, sealed()];
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        (valid, position, byte, cut) => {
          const at = position % valid.length;
          const bytes = cut ? valid.slice(0, at) : valid.map((each, index) => (index === at ? byte : each));
          const verified = open(bytes);
          const signed = must(open(valid)).map((each) => toHex(each.bytes));
          if (verified.ok) expect(verified.value.map((each) => toHex(each.bytes))).toEqual(signed);
          else expect(verified.error.code).toMatch(/^CAPSULE_/);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
