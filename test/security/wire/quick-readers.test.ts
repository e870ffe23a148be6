// The quick readers are not allowed an opinion of their own: whatever the bytes, the way
// over them comes to what the strict decoder comes to, faults included.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CellError } from "../../../src/errors/cell-error.ts";
import type { Result } from "../../../src/errors/result.ts";
import * as capsules from "../../../src/security/wire/decode-capsule.ts";
import { encodeCapsule } from "../../../src/security/wire/encode-capsule.ts";
import * as envelopes from "../../../src/security/wire/envelope.ts";
import { readCapsule } from "../../../src/security/wire/read-capsule.ts";
import { readEnvelope } from "../../../src/security/wire/read-envelope.ts";
import { sealBatch, sealOne } from "../../../src/security/wire/seal.ts";
import { bytesOf, keys, must, sealingOf } from "../cell-fixture.ts";
import { capsules as anyCapsule } from "./capsule-arbitrary.ts";

const RUNS = { numRuns: 5_000 };

/** Bytes overwritten, put in, left out and repeated. */
const damaged = (bytes: Uint8Array) =>
  fc
    .array(fc.tuple(fc.constantFrom("set", "insert", "cut", "repeat"), fc.nat(), fc.nat(255)), {
      maxLength: 4,
    })
    .map((edits) => {
      const all = [...bytes];
      for (const [how, where, byte] of edits) {
        const at = where % (all.length + 1);
        if (how === "set") all[at] = byte;
        else if (how === "insert") all.splice(at, 0, byte);
        else if (how === "cut") all.splice(at, byte % 40);
        else all.splice(at, 0, ...all.slice(at, at + (byte % 40)));
      }
      return Uint8Array.from(all);
    });

function expectSame<T>(quick: Result<T, CellError>, strict: Result<T, CellError>): void {
  const plain = (result: Result<T, CellError>) =>
    result.ok ? bare(result.value) : { code: result.error.code, message: result.error.message };
  expect(plain(quick)).toEqual(plain(strict));
}

/** Views and buffers alike as text. */
const bare = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => {
      if (each instanceof Uint8Array) return Buffer.from(each).toString("hex");
      return typeof each === "bigint" ? `${each}n` : each;
    }),
  );

test("any capsule as it is written is read quickly, and as the strict decoder reads it", () => {
  fc.assert(
    fc.property(anyCapsule, (capsule) => {
      const bytes = must(encodeCapsule(capsule));
      expectSame(capsules.decodeCapsule(bytes), capsules.decodeSlowly(bytes));
    }),
  );
  expect(readCapsule(bytesOf())).toBeDefined();
});

test("a damaged capsule is judged as the strict decoder judges it", () => {
  const damagedCapsule = anyCapsule.chain((capsule) => damaged(must(encodeCapsule(capsule))));
  fc.assert(
    fc.property(damagedCapsule, (bytes) => {
      expectSame(capsules.decodeCapsule(bytes), capsules.decodeSlowly(bytes));
    }),
    RUNS,
  );
});

test("a damaged envelope is judged as the strict decoder judges it", () => {
  const sealing = sealingOf(keys.ann);
  const [batch = new Uint8Array(), other = new Uint8Array()] = sealBatch(
    [[bytesOf(), bytesOf()], [bytesOf()]],
    sealing,
    2n ** 50n,
  );
  const sealed = [sealOne(bytesOf(), sealing), batch, other];
  for (const bytes of sealed) expect(readEnvelope(bytes, 64, 24)).toBeDefined();
  fc.assert(
    fc.property(fc.constantFrom(...sealed).chain(damaged), (bytes) => {
      expectSame(envelopes.decodeEnvelope(bytes), envelopes.decodeSlowly(bytes));
    }),
    RUNS,
  );
});

test.each([2n ** 53n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 64n - 1n])(
  "the number %d of a batch is read as it is",
  (number) => {
    const [bytes = new Uint8Array()] = sealBatch([[bytesOf(), bytesOf()]], sealingOf(keys.ann), number);
    expect(must(envelopes.decodeEnvelope(bytes))).toMatchObject({ proof: { batch: number } });
  },
);

test("short arbitrary bytes are judged as the strict decoder judges them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      expectSame(capsules.decodeCapsule(bytes), capsules.decodeSlowly(bytes));
      expectSame(envelopes.decodeEnvelope(bytes), envelopes.decodeSlowly(bytes));
    }),
    RUNS,
  );
});

test.each([
  ["field number 0", [0, 0]],
  ["a field twice", [32, 1, 32, 1]],
  ["fields out of order", [96, 1, 32, 1]],
  ["a length beyond the end", [10, 5, 1]],
  ["a number of 65 bits", [96, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127]],
  ["a number cut short", [96, 255]],
  ["a number that is longer than it must be", [96, 129, 0]],
  ["a tag of six bytes", [224, 128, 128, 128, 128, 0, 1]],
  ["text beyond ASCII", [42, 2, 0xc3, 0xa4]],
  ["a message within that overruns", [74, 2, 8, 255, 1]],
])("%s is not read quickly", (_name, bytes) => {
  expect(readCapsule(Uint8Array.from(bytes))).toBeUndefined();
});
