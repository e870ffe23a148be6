import fc from "fast-check";
import { expect, test } from "vitest";
import {
  MAX_SNAPSHOT_BYTES,
  openSnapshot,
  type SealedSnapshot,
  sealSnapshot,
} from "../../src/actors/snapshot-seal.ts";

const sealed = (value: unknown): SealedSnapshot => {
  const result = sealSnapshot(value);
  if (!result.ok) throw result.error;
  return result.value;
};

test("what is opened is what was sealed, its members in the same order", () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    const opened = openSnapshot(sealed(value));
    expect(opened.ok && JSON.stringify(opened.value)).toBe(JSON.stringify(value));
  });
  fc.assert(property, { verbose: 1 });
});

test("names that need an escape come back as they were, whatever was read before", () => {
  // What misleads V8's own JSON.parse, see src/wire/json-keys.ts.
  for (const value of [
    { "~": 0, "\\": 0 },
    { "~": 0, "\n": 0 },
  ]) {
    expect(openSnapshot(sealed(value))).toEqual({ ok: true, value });
  }
});

test("any bit that changed is found, wherever it is", () => {
  const property = fc.property(fc.jsonValue(), fc.nat(), fc.nat({ max: 7 }), (value, where, bit) => {
    const { bytes, hash } = sealed(value);
    const at = where % bytes.length;
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    expect(openSnapshot({ bytes: changed, hash })).toMatchObject({
      ok: false,
      error: { code: "ACTOR_SNAPSHOT_CORRUPT" },
    });
    expect(openSnapshot({ bytes: bytes.subarray(0, -1), hash }).ok).toBe(false);
  });
  fc.assert(property, { verbose: 1 });
});

test.for<[what: string, value: unknown]>([
  ["too large", "x".repeat(MAX_SNAPSHOT_BYTES)],
  ["a function", () => 1],
  ["a number that JSON does not hold", 5n],
])("%s is not sealed", ([, value]) => {
  expect(sealSnapshot(value)).toMatchObject({ ok: false, error: { code: "ACTOR_SNAPSHOT_UNSUPPORTED" } });
});
