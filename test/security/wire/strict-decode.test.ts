import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvelopeSchema, IntentCapsuleSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { decodeStrict } from "../../../src/security/wire/strict-decode.ts";
import { bytesOf, sealed } from "../cell-fixture.ts";

const BOUNDS = { "Envelope.capsules": 2, "MerkleProof.path": 2 };
const write = (build: (writer: BinaryWriter) => BinaryWriter): Uint8Array =>
  build(new BinaryWriter()).finish();
const delimited = (writer: BinaryWriter, field: number, value: Uint8Array | string) => {
  writer.tag(field, WireType.LengthDelimited);
  return typeof value === "string" ? writer.string(value) : writer.bytes(value);
};
const nothing = new Uint8Array();

const faults: readonly (readonly [string, Uint8Array, string])[] = [
  ["an unknown field", write((w) => w.tag(99, WireType.Varint).uint32(1)), "no field 99"],
  ["a field set twice", write((w) => delimited(delimited(w, 1, nothing), 1, nothing)), "set twice"],
  ["both members of a oneof", write((w) => delimited(delimited(w, 4, nothing), 5, nothing)), "set twice"],
  ["a wrong wire type", write((w) => w.tag(1, WireType.Varint).uint32(1)), "wrong wire type"],
  ["too many elements", write((w) => [1, 2, 3].reduce((v) => delimited(v, 3, nothing), w)), "more than 2"],
  ["a 33-bit enum", write((w) => w.tag(2, WireType.Varint).uint64(2n ** 33n)), "does not fit"],
  ["a negative enum", write((w) => w.tag(2, WireType.Varint).int32(-1)), "does not fit"],
  [
    "an unknown field in a nested message",
    write((w) =>
      delimited(
        w,
        4,
        write((n) => n.tag(9, WireType.Varint).uint32(1)),
      ),
    ),
    "SingleProof has no field 9",
  ],
  [
    "a nested message that overruns its parent",
    write((w) => delimited(w, 4, Uint8Array.of(0x0a, 5))),
    "not a",
  ],
  [
    "a length of 33 bits, of which some decoders read 32",
    Uint8Array.of(0x0a, 0x81, 0x80, 0x80, 0x80, 0x10, 7),
    "length",
  ],
  ["a length of six bytes", Uint8Array.of(0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0, 7), "length"],
  [
    "a number of 65 bits, of which some decoders read 64",
    write((w) => delimited(w, 5, Uint8Array.of(0x10, 0x81, ...Array(8).fill(0x80), 2))),
    "MerkleProof.batch does not fit",
  ],
  ["a length beyond the end", Uint8Array.of(0x0a, 0xff, 0x01), "not a"],
  ["a group", Uint8Array.of(0x0b, 0x0c), "wrong wire type"],
  ["field number 0", Uint8Array.of(0x00, 0x00), "not a"],
  ["a tag without end", new Uint8Array(20).fill(0xff), "not a"],
];

describe("strict decoding", () => {
  test.each(faults)("refuses %s", (_name, bytes, part) => {
    const decoded = decodeStrict(EnvelopeSchema, bytes, BOUNDS);
    expect(decoded).toMatchObject({
      ok: false,
      error: { code: "CAPSULE_MALFORMED", message: expect.stringContaining(part) },
    });
  });

  test("refuses text that is not UTF-8", () => {
    const bytes = write((w) => delimited(w, 5, Uint8Array.of(0xff, 0xfe)));
    expect(decodeStrict(IntentCapsuleSchema, bytes, {})).toMatchObject({
      ok: false,
      error: { message: "IntentCapsule.target is not UTF-8" },
    });
  });

  test("refuses any element of a repeated field without a bound", () => {
    expect(decodeStrict(EnvelopeSchema, sealed(), {}).ok).toBe(false);
  });

  test("reads what was written", () => {
    expect(decodeStrict(EnvelopeSchema, sealed(), BOUNDS).ok).toBe(true);
    expect(decodeStrict(IntentCapsuleSchema, bytesOf(), {}).ok).toBe(true);
  });

  test("yields a message or a coded error for arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        for (const schema of [EnvelopeSchema, IntentCapsuleSchema]) {
          const decoded = decodeStrict(schema, bytes, BOUNDS);
          if (!decoded.ok) expect(decoded.error.code).toBe("CAPSULE_MALFORMED");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("is not slowed by half a million tiny elements", () => {
    const bytes = new Uint8Array(1_000_000).map((_, at) => (at % 2 === 0 ? 0x1a : 0));
    expect(decodeStrict(EnvelopeSchema, bytes, BOUNDS).ok).toBe(false);
  });
});
