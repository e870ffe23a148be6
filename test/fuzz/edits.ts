// Wrong bytes made of right ones: whole fields moved, repeated, renamed and written in ways that
// no encoder would, at any depth, with the lengths around them kept right; and bytes cut, flipped
// and put in without regard to any form.
import { seededRandom } from "../../src/actors/testkit/seeded-random.ts";
import { concat } from "../../src/security/bytes.ts";
import { DELIMITED, type Field, fieldOf, readFields, VARINT, varint, writeFields } from "./wire-tree.ts";

export const ON_FIELDS = [
  "drop",
  "repeat",
  "swap",
  "reverse",
  "unknown",
  "renumber",
  "rewire",
  "pad-tag",
  "pad-value",
  "overflow",
  "length",
  "number",
  "bytes",
  "text",
  "groups",
  "messages",
  "graft",
] as const;
export const ON_BYTES = ["truncate", "extend", "flip", "insert", "cut", "copy"] as const;
/** What makes most of what was there of no account. */
export const RARE = ["arbitrary", "oversize"] as const;

export type Edit = {
  readonly kind: (typeof ON_FIELDS)[number] | (typeof ON_BYTES)[number] | (typeof RARE)[number];
  /** Which field to go into, level by level. */
  readonly path: readonly number[];
  /** Which field, or byte. */
  readonly at: number;
  /** How much, how far, or which of several. */
  readonly n: number;
};

/** @param samples what fields are taken from @param maxBytes beyond which whoever reads the bytes stops */
export function applyEdit(
  bytes: Uint8Array,
  { kind, path, at, n }: Edit,
  samples: readonly Uint8Array[],
  maxBytes: number,
): Uint8Array {
  const from = at % (bytes.length + 1);
  const head = bytes.subarray(0, from);
  const some = 1 + (n % 40);
  switch (kind) {
    case "truncate":
      return head;
    case "extend":
      return concat(bytes, noise(n, some));
    case "flip":
      return bytes.map((byte, index) => (index === at % bytes.length ? byte ^ (1 << (n & 7)) : byte));
    case "insert":
      return concat(head, noise(n, some), bytes.subarray(from));
    case "cut":
      return concat(head, bytes.subarray(from + some));
    case "copy":
      return concat(head, bytes.subarray(from, from + some), bytes.subarray(from));
    case "arbitrary":
      return noise(n, at % 2_048);
    case "oversize":
      return concat(bytes, new Uint8Array(Math.max(0, maxBytes - bytes.length - 1 + (n % 3))));
    default:
      return within(bytes, path, (fields) => onFields(fields, kind, at, n, samples));
  }
}

/** Goes into fields that hold fields, as long as there are any. */
function within(
  bytes: Uint8Array,
  path: readonly number[],
  change: (fields: Field[]) => Field[],
): Uint8Array {
  const fields = readFields(bytes) ?? [];
  const [step, ...rest] = path;
  const inner = fields.filter(
    ({ wire, value }) => wire === DELIMITED && (readFields(value)?.length ?? 0) > 0,
  );
  const chosen = step === undefined ? undefined : inner[step % inner.length];
  if (chosen === undefined) return writeFields(change(fields));
  const { number, value } = chosen;
  const changed = fieldOf(number, DELIMITED, within(value, rest, change));
  return writeFields(fields.map((field) => (field === chosen ? changed : field)));
}

function onFields(
  fields: readonly Field[],
  kind: (typeof ON_FIELDS)[number],
  at: number,
  n: number,
  samples: readonly Uint8Array[],
): Field[] {
  const index = fields.length === 0 ? 0 : at % fields.length;
  const field = fields[index];
  const place = n % (fields.length + 1);
  if (kind === "unknown") return fields.toSpliced(place, 0, unknownField(at, n));
  if (kind === "groups") return fields.toSpliced(place, 0, groups(at, n));
  if (field === undefined) return [...fields];
  switch (kind) {
    case "drop":
      return fields.toSpliced(index, 1);
    case "repeat":
      return fields.toSpliced(place, 0, field);
    case "swap":
      return fields.with(index, fields[n % fields.length] ?? field).with(n % fields.length, field);
    case "reverse":
      return fields.toReversed();
    case "graft":
      return fields.with(index, graft(field, n, samples));
    default:
      return fields.with(index, rewritten(field, kind, n));
  }
}

function rewritten(field: Field, kind: (typeof ON_FIELDS)[number], n: number): Field {
  const { number, wire, value } = field;
  const tag = (as: number, least = 1) => varint(BigInt(as), least);
  const plain = number * 8 + wire;
  const size = BigInt(value.length);
  const sized = (length: bigint, least = 1) => ({
    ...field,
    head: concat(tag(plain), varint(length, least)),
  });
  switch (kind) {
    case "renumber":
      return fieldOf(1 + (n % 20), wire, value);
    case "rewire":
      return { ...field, head: tag(number * 8 + (n % 8)) };
    case "pad-tag":
      return { ...field, head: concat(tag(plain, 2 + (n % 9)), wire === DELIMITED ? varint(size) : NOTHING) };
    case "pad-value":
      if (wire === DELIMITED) return sized(size, 2 + (n % 9));
      return wire === VARINT ? { ...field, value: varint(numberOf(value), 2 + (n % 9)) } : field;
    case "overflow":
      if (wire === DELIMITED) return sized(size + (BigInt(1 + (n % 7)) << 32n), n % 11);
      return wire === VARINT
        ? { ...field, value: varint(numberOf(value) + (BigInt(1 + (n % 63)) << 64n), 10) }
        : field;
    case "length":
      return wire === DELIMITED ? sized(LENGTHS[n % LENGTHS.length] ?? size + BigInt(n % 3)) : field;
    case "number":
      return fieldOf(number, VARINT, varint(NUMBERS[n % NUMBERS.length] ?? 0n));
    case "bytes":
      return fieldOf(number, DELIMITED, otherBytes(value, n));
    case "text":
      return fieldOf(number, DELIMITED, otherText(value, n));
    case "messages":
      return fieldOf(number, DELIMITED, nested(number, DEPTHS[n % DEPTHS.length] ?? 1));
    default:
      return field;
  }
}

const NOTHING = new Uint8Array();
/** Where a number's type, or what JavaScript holds exactly, ends. */
const NUMBERS = [7n, 31n, 32n, 53n, 56n, 63n, 64n].flatMap((bits) => [
  (1n << bits) - 1n,
  ...(bits < 64n ? [1n << bits, (1n << bits) + 1n] : [0n, 1n, 2n]),
]);
const LENGTHS = [0n, 1n, 127n, 128n, 0x7fff_ffffn, 0xffff_ffffn, 1n << 32n, 1n << 63n];
/** Shallow, about the limits that decoders have, and far beyond. */
const DEPTHS = [1, 2, 64, 99, 100, 101, 2_000];

const numberOf = (value: Uint8Array): bigint =>
  value.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);

function unknownField(at: number, n: number): Field {
  const number = [18, 99, 18_999, 0x1fff_ffff][at % 4] ?? 18;
  const wire = n % 6;
  const sizes = [1, 8, n % 20, 0, 0, 4];
  return fieldOf(number, wire, wire === VARINT ? varint(BigInt(n)) : noise(n, sizes[wire] ?? 0));
}

/** Groups within groups, closed or not. */
function groups(at: number, n: number): Field {
  const depth = DEPTHS[n % DEPTHS.length] ?? 1;
  const number = 1 + (at % 15);
  const ends = n % 3 === 0 ? 0 : depth;
  const bytes = concat(new Uint8Array(depth).fill(number * 8 + 3), new Uint8Array(ends).fill(number * 8 + 4));
  return { number, wire: 3, head: NOTHING, value: bytes };
}

/** Messages within messages. */
function nested(number: number, depth: number): Uint8Array {
  let bytes: Uint8Array = NOTHING;
  for (let level = 0; level < depth; level += 1) bytes = writeFields([fieldOf(number, DELIMITED, bytes)]);
  return bytes;
}

/** What another sample has, perhaps deep within, in the place of what was here. */
function graft({ number }: Field, n: number, samples: readonly Uint8Array[]): Field {
  let found: Field | undefined;
  let fields = readFields(samples[n % samples.length] ?? NOTHING) ?? [];
  for (let rest = n >> 4; fields.length > 0; rest >>= 2) {
    found = fields[rest % fields.length];
    if (found === undefined || found.wire !== DELIMITED || rest % 3 === 0) break;
    fields = readFields(found.value) ?? [];
  }
  return found === undefined ? fieldOf(number, DELIMITED, NOTHING) : fieldOf(number, found.wire, found.value);
}

function otherBytes(value: Uint8Array, n: number): Uint8Array {
  switch (n % 6) {
    case 0:
      return NOTHING;
    case 1:
      return value.subarray(0, -1);
    case 2:
      return concat(value, noise(n, 1));
    case 3:
      return new Uint8Array(value.length);
    case 4:
      return value.map((byte, at) => (at === n % value.length ? byte ^ (1 << (n & 7)) : byte));
    default:
      return noise(n, value.length);
  }
}

/** What readers of text trip over, put before, after, or in its place. */
const TEXTS = [
  "\ufeff",
  "\0",
  "\n",
  " ",
  "*",
  "**",
  "/",
  ".",
  "..",
  "kernel/",
  "~",
  "__proto__",
  "\u00e4",
  "{}",
];
/** The same as bytes: not UTF-8, or not the shortest form. */
const ILL_FORMED = ["ff", "c080", "eda080", "f4908080", "e282", "80"].map((hex) => Buffer.from(hex, "hex"));

function otherText(value: Uint8Array, n: number): Uint8Array {
  const all = [...TEXTS.map((text) => Buffer.from(text)), ...ILL_FORMED];
  const piece = all[n % all.length] ?? NOTHING;
  const where = Math.floor(n / all.length) % 3;
  return where === 0 ? concat(piece, value) : where === 1 ? concat(value, piece) : piece;
}

/** The same for the same number. */
function noise(n: number, length: number): Uint8Array {
  const random = seededRandom(n);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}
