// What the writer writes is what protobuf-es writes, field by field.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtoWriter } from "../../src/wire/proto-writer.ts";

type Item =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "big"; readonly value: bigint }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "hex"; readonly value: Uint8Array }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "nested"; readonly value: readonly Item[] };

const { items } = fc.letrec<{ items: Item[]; item: Item }>((tie) => ({
  items: fc.array(tie("item"), { maxLength: 5 }),
  item: fc.oneof(
    { depthSize: "small" },
    fc.record({ kind: fc.constant("number" as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant("number" as const), value: fc.nat(300) }),
    fc.record({ kind: fc.constant("big" as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 400 }) }),
    fc.record({ kind: fc.constant("hex" as const), value: fc.uint8Array({ maxLength: 400 }) }),
    fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "binary", maxLength: 200 }) }),
    fc.record({ kind: fc.constant("text" as const), value: fc.string({ maxLength: 200 }) }),
    fc.record({ kind: fc.constant("nested" as const), value: tie("items") }),
  ),
}));

function writeOurs(writer: ProtoWriter, all: readonly Item[]): void {
  for (const [at, { kind, value }] of all.entries()) {
    const field = at * 7 + 1;
    if (kind === "number") writer.number(field, value);
    else if (kind === "big") writer.big(field, value);
    else if (kind === "bytes") writer.bytes(field, value);
    else if (kind === "hex") expect(writer.hex(field, Buffer.from(value).toString("hex"))).toBe(true);
    else if (kind === "text") writer.text(field, value);
    else {
      const from = writer.open(field);
      writeOurs(writer, value);
      writer.close(from);
    }
  }
}

function writeTheirs(writer: BinaryWriter, all: readonly Item[]): BinaryWriter {
  for (const [at, { kind, value }] of all.entries()) {
    const field = at * 7 + 1;
    if (kind === "number" || kind === "big") {
      if (BigInt(value) !== 0n) writer.tag(field, WireType.Varint).uint64(BigInt(value));
    } else if (kind === "nested") {
      writer.tag(field, WireType.LengthDelimited).fork();
      writeTheirs(writer, value).join();
    } else if (value.length > 0) {
      writer.tag(field, WireType.LengthDelimited);
      if (kind === "text") writer.string(value);
      else writer.bytes(value);
    }
  }
  return writer;
}

test("any message comes to the bytes that protobuf-es makes of it", () => {
  const writer = new ProtoWriter();
  fc.assert(
    fc.property(items, (all) => {
      writeOurs(writer, all);
      expect(Buffer.from(writer.finish())).toEqual(
        Buffer.from(writeTheirs(new BinaryWriter(), all).finish()),
      );
    }),
  );
});

test.each([127, 128, 16_383, 16_384, 2_097_152])("a message within of %i bytes keeps its length", (size) => {
  const writer = new ProtoWriter();
  const content = new Uint8Array(size).fill(7);
  const from = writer.open(3);
  writer.bytes(1, content);
  writer.close(from);
  const theirs = new BinaryWriter().tag(3, WireType.LengthDelimited).fork();
  theirs.tag(1, WireType.LengthDelimited).bytes(content).join();
  expect(Buffer.compare(writer.finish(), theirs.finish())).toBe(0);
});

test("what is no pair of hexadecimal digits leaves nothing behind", () => {
  const writer = new ProtoWriter();
  for (const text of ["a", "0g", "g0", "zz", "  ", "0\u0130", "\ud800\ud800"])
    expect(writer.hex(1, text)).toBe(false);
  expect(writer.finish()).toHaveLength(0);
});

test("what is half written does not open the next message", () => {
  const writer = new ProtoWriter();
  writer.open(1);
  writer.text(2, "half");
  writer.reset();
  writer.number(1, 1);
  expect([...writer.finish()]).toEqual([8, 1]);
});

test("a message that was finished is not touched by the next", () => {
  const writer = new ProtoWriter();
  writer.text(1, "first");
  const first = writer.finish();
  const kept = [...first];
  writer.text(1, "other");
  writer.finish();
  expect([...first]).toEqual(kept);
});
