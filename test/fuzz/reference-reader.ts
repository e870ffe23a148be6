// Protobuf read a second time, by other code than the one under test: numbers in full, and nothing
// that any of the usual decoders reads in another way, or not at all. Slow, and short.
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { toHex } from "../../src/security/bytes.ts";
import type { RepeatedBounds } from "../../src/security/wire/strict-decode.ts";

/** By the names of the fields; numbers as decimals, bytes as hex, texts as JSON; nothing that is at its default. */
export type Meaning = { readonly [field: string]: string | Meaning | readonly (string | Meaning)[] };

/** Undefined: they mean nothing, or not the same to everybody. */
export function meaningOfBytes(
  schema: DescMessage,
  bytes: Uint8Array,
  bounds: RepeatedBounds,
): Meaning | undefined {
  try {
    return read(schema, bytes, bounds);
  } catch (cause) {
    if (cause instanceof Unreadable) return undefined;
    throw cause;
  }
}

class Unreadable extends Error {}

function read(schema: DescMessage, bytes: Uint8Array, bounds: RepeatedBounds): Meaning {
  const meaning: Record<string, string | Meaning | (string | Meaning)[]> = {};
  const chosen = new Set<unknown>();
  let rest = bytes;
  const next = (mostBytes: number, bits: bigint): bigint => {
    let value = 0n;
    for (let at = 0; at < mostBytes; at += 1) {
      const byte = rest[at];
      if (byte === undefined) throw new Unreadable();
      value += BigInt(byte & 0x7f) * 128n ** BigInt(at);
      if (byte >= 0x80) continue;
      rest = rest.subarray(at + 1);
      if (value >= 2n ** bits) throw new Unreadable();
      return value;
    }
    throw new Unreadable();
  };
  while (rest.length > 0) {
    const tag = next(5, 32n);
    const field = schema.fields.find(({ number }) => BigInt(number) === tag / 8n);
    const isDelimited = field !== undefined && hasLength(field);
    if (field === undefined || tag % 8n !== (isDelimited ? 2n : 0n)) throw new Unreadable();
    let value: string | Meaning;
    if (isDelimited) {
      const length = Number(next(5, 32n));
      if (length > rest.length) throw new Unreadable();
      value = ofDelimited(field, rest.subarray(0, length), bounds);
      rest = rest.subarray(length);
    } else {
      value = ofNumber(field, next(10, 64n));
    }
    const name = field.name;
    if (field.fieldKind === "list") {
      const list = meaning[name];
      const longer = [...(Array.isArray(list) ? list : []), value];
      if (longer.length > (bounds[`${schema.name}.${name}`] ?? 0)) throw new Unreadable();
      meaning[name] = longer;
      continue;
    }
    const slot = field.oneof ?? field;
    if (chosen.has(slot)) throw new Unreadable();
    chosen.add(slot);
    if (!isDropped(field, value)) meaning[name] = value;
  }
  return meaning;
}

/** The same of a message that was decoded. */
export function meaningOfMessage(schema: DescMessage, message: object): Meaning {
  const meaning: Record<string, string | Meaning | (string | Meaning)[]> = {};
  for (const field of schema.fields) {
    const held: unknown = heldBy(message, field);
    if (held === undefined) continue;
    if (Array.isArray(held)) {
      if (held.length > 0) meaning[field.name] = held.map((each: unknown) => plain(field, each));
    } else {
      const value = plain(field, held);
      if (!isDropped(field, value)) meaning[field.name] = value;
    }
  }
  return meaning;
}

function heldBy(message: object, field: DescField): unknown {
  if (field.oneof === undefined) return Reflect.get(message, field.localName);
  const one: unknown = Reflect.get(message, field.oneof.localName);
  const isChosen = typeof one === "object" && one !== null && Reflect.get(one, "case") === field.localName;
  return isChosen ? Reflect.get(one, "value") : undefined;
}

function plain(field: DescField, value: unknown): string | Meaning {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "object" && value !== null && field.message !== undefined)
    return meaningOfMessage(field.message, value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

const hasLength = ({ message, scalar }: DescField): boolean =>
  message !== undefined || scalar === ScalarType.STRING || scalar === ScalarType.BYTES;

function ofDelimited(field: DescField, bytes: Uint8Array, bounds: RepeatedBounds): string | Meaning {
  if (field.message !== undefined) return read(field.message, bytes, bounds);
  if (field.scalar === ScalarType.BYTES) return toHex(bytes);
  const text = Buffer.from(bytes).toString("utf8");
  if (Buffer.compare(Buffer.from(text, "utf8"), bytes) !== 0) throw new Unreadable();
  return JSON.stringify(text);
}

function ofNumber({ scalar }: DescField, value: bigint): string {
  if (scalar === ScalarType.UINT64) return String(value);
  if (value >= 2n ** (scalar === ScalarType.BOOL ? 1n : 32n)) throw new Unreadable();
  if (scalar === ScalarType.BOOL) return String(value === 1n);
  // An enum: of 32 bits, with a sign.
  return String(scalar === ScalarType.UINT32 ? value : BigInt.asIntN(32, value));
}

/** At its default, where that is not written. */
const isDropped = ({ presence }: DescField, value: string | Meaning): boolean =>
  presence === FeatureSet_FieldPresence.IMPLICIT && DEFAULTS.has(value);
const DEFAULTS: ReadonlySet<unknown> = new Set(["0", "false", "", '""']);
