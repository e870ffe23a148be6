import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256, toHex } from "../../../src/security/bytes.ts";
import {
  buildTree,
  leafHash,
  MAX_LEAVES,
  MAX_PATH_NODES,
  rangePath,
  rootFromRange,
  rootOf,
} from "../../../src/security/wire/merkle.ts";

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => leafHash(new TextEncoder().encode(`capsule ${at}`)));

/** The definition, by recursion on the largest power of two below the size. */
function bruteRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] ?? new Uint8Array();
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Uint8Array.of(1), bruteRoot(leaves.slice(0, half)), bruteRoot(leaves.slice(half)));
}

const range = fc.integer({ min: 1, max: 130 }).chain((count) =>
  fc.tuple(fc.constant(count), fc.nat(count - 1)).chain(([, first]) =>
    fc.record({
      count: fc.constant(count),
      first: fc.constant(first),
      size: fc.integer({ min: 1, max: count - first }),
    }),
  ),
);

describe("a Merkle tree", () => {
  test("has the root of its definition, for every count to 70", () => {
    for (let count = 1; count <= 70; count += 1) {
      expect(toHex(rootOf(buildTree(leavesOf(count))))).toBe(toHex(bruteRoot(leavesOf(count))));
    }
  });

  test("hashes leaves as stated: SHA-256(0x00 || domain || capsule)", () => {
    const capsule = Uint8Array.of(1, 2, 3);
    expect(toHex(leafHash(capsule))).toBe(toHex(sha256(Buffer.from("\0cell0/v1/leaf\0"), capsule)));
  });

  test("refuses no leaves and more than 4,096", () => {
    expect(() => buildTree([])).toThrow(RangeError);
    expect(() => buildTree(leavesOf(MAX_LEAVES + 1))).toThrow(RangeError);
  });
});

describe("a range proof", () => {
  test("leads every range of every tree to 12 leaves to the root", () => {
    for (let count = 1; count <= 12; count += 1) {
      const leaves = leavesOf(count);
      const tree = buildTree(leaves);
      for (let first = 0; first < count; first += 1) {
        for (let size = 1; first + size <= count; size += 1) {
          const root = rootFromRange(
            leaves.slice(first, first + size),
            first,
            count,
            rangePath(tree, first, size),
          );
          expect(root && toHex(root)).toBe(toHex(rootOf(tree)));
        }
      }
    }
  });

  test("stays within its bound at 4,096 leaves", () => {
    const tree = buildTree(leavesOf(MAX_LEAVES));
    expect(rangePath(tree, 1365, 2).length).toBeLessThanOrEqual(MAX_PATH_NODES);
    expect(rangePath(tree, 2047, 2).length).toBe(22);
  });

  test("of another index, count, path or leaf never leads to the root", () => {
    fc.assert(
      fc.property(
        range,
        fc.nat(140),
        fc.nat(140),
        fc.nat(),
        ({ count, first, size }, otherFirst, otherCount, seed) => {
          const leaves = leavesOf(count);
          const tree = buildTree(leaves);
          const root = toHex(rootOf(tree));
          const some = leaves.slice(first, first + size);
          const path = rangePath(tree, first, size);
          const reaches = (l: Uint8Array[], f: number, c: number, p: Uint8Array[]) => {
            const found = rootFromRange(l, f, c, p);
            return found !== undefined && toHex(found) === root;
          };
          expect(reaches(some, first, count, path)).toBe(true);
          if (otherFirst !== first) expect(reaches(some, otherFirst, count, path)).toBe(false);
          expect(reaches(some, first, count, [...path, leaves[0] ?? new Uint8Array()])).toBe(false);
          expect(reaches(some, first, count, path.slice(0, -1)) && path.length > 0).toBe(false);
          const changed = some.map((leaf) => Uint8Array.from(leaf));
          const victim = changed[seed % size];
          if (victim !== undefined) victim[seed % 32] = (victim[seed % 32] ?? 0) ^ 1;
          expect(reaches(changed, first, count, path)).toBe(false);
          if (path.length > 1) expect(reaches(some, first, count, [...path].reverse())).toBe(false);
          // The count is under the signature; a tree alone may not tell counts of one shape apart.
          if (otherCount < first + size) expect(rootFromRange(some, first, otherCount, path)).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });

  test("of indices that are no integers or out of range is refused", () => {
    const leaves = leavesOf(4);
    for (const [first, count] of [
      [0.5, 4],
      [-1, 4],
      [0, 4.5],
      [1, 4],
      [0, 5000],
      [Number.NaN, 4],
    ] as const) {
      expect(rootFromRange(leaves, first, count, [])).toBeUndefined();
    }
    expect(rootFromRange([], 0, 4, [])).toBeUndefined();
  });
});
