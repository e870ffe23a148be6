import { describe, expect, test } from "vitest";
import { toHex } from "../../src/security/bytes.ts";
import { applyEdit, type Edit } from "./edits.ts";
import { fieldOf, readFields, varint, writeFields } from "./wire-tree.ts";

const text = (value: string) => new TextEncoder().encode(value);
const inner = writeFields([fieldOf(1, 2, text("abc")), fieldOf(2, 0, varint(300n))]);
const outer = writeFields([fieldOf(3, 2, inner), fieldOf(4, 0, varint(7n))]);
const other = writeFields([fieldOf(3, 2, text("other"))]);
const edited = (kind: Edit["kind"], given: Partial<Edit> = {}): string =>
  toHex(applyEdit(outer, { kind, path: [], at: 0, n: 0, ...given }, [outer, other], 64));

describe("an edit", () => {
  test.for<[kind: Edit["kind"], given: Partial<Edit>, expected: string]>([
    ["drop", {}, "2007"],
    ["drop", { path: [0] }, "1a03" + "10ac02" + "2007"],
    ["repeat", { at: 1 }, "2007" + "1a08" + "0a03616263" + "10ac02" + "2007"],
    ["swap", { n: 1 }, "2007" + "1a08" + "0a03616263" + "10ac02"],
    ["reverse", { path: [0] }, "1a08" + "10ac02" + "0a03616263" + "2007"],
    ["renumber", { at: 1, n: 4 }, "1a08" + "0a03616263" + "10ac02" + "2807"],
    ["rewire", { at: 1, n: 3 }, "1a08" + "0a03616263" + "10ac02" + "2307"],
    ["pad-tag", { at: 1 }, "1a08" + "0a03616263" + "10ac02" + "a00007"],
    ["pad-value", { at: 1 }, "1a08" + "0a03616263" + "10ac02" + "208700"],
    ["pad-value", {}, "1a8800" + "0a03616263" + "10ac02" + "2007"],
    ["overflow", { at: 1 }, "1a08" + "0a03616263" + "10ac02" + "2087808080808080808002"],
    ["overflow", {}, "1a8880808010" + "0a03616263" + "10ac02" + "2007"],
    ["length", { n: 1 }, "1a01" + "0a03616263" + "10ac02" + "2007"],
    ["messages", { path: [0], n: 1 }, "1a09" + "0a040a020a00" + "10ac02" + "2007"],
    ["groups", { n: 1 }, "1a08" + "0a03616263" + "10ac02" + "0b0b0c0c" + "2007"],
    ["graft", { n: 1 }, "1a056f74686572" + "2007"],
    ["text", { path: [0] }, "1a0b" + "0a06efbbbf616263" + "10ac02" + "2007"],
    ["truncate", { at: 3 }, "1a080a"],
    ["cut", { at: 1, n: 8 }, "1a" + "2007"],
    ["copy", { at: 10, n: 1 }, "1a08" + "0a03616263" + "10ac02" + "2007" + "2007"],
  ])("%s %o", ([kind, given, expected]) => {
    expect(edited(kind, given)).toBe(expected);
  });

  test("puts in up to just beyond the limit", () => {
    const sizes = [0, 1, 2].map((n) => edited("oversize", { n }).length / 2);
    expect(sizes).toEqual([63, 64, 65]);
  });

  test("never fails, whatever it meets", () => {
    const kinds = [
      "flip",
      "insert",
      "extend",
      "bytes",
      "number",
      "unknown",
      "arbitrary",
      "drop",
      "swap",
    ] as const;
    for (const bytes of [new Uint8Array(), Uint8Array.of(0x0b), outer]) {
      for (let n = 0; n < 200; n += 1) {
        for (const kind of kinds)
          expect(applyEdit(bytes, { kind, path: [n], at: n * 7, n }, [outer], 64)).toBeInstanceOf(Uint8Array);
      }
    }
  });
});

test("fields are read as they were written, and bytes that are none are not", () => {
  expect(readFields(outer)?.map(({ number, wire }) => [number, wire])).toEqual([
    [3, 2],
    [4, 0],
  ]);
  expect(toHex(writeFields(readFields(outer) ?? []))).toBe(toHex(outer));
  for (const hex of ["08", "0a05ff", "0b", "00", "ff"])
    expect(readFields(Buffer.from(hex, "hex"))).toBeUndefined();
});
