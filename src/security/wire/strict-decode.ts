// Protobuf, decoded so that no two decoders can read the same bytes differently:
// unknown fields, repeated singular fields, two members of a oneof, foreign wire
// types, too many elements, nested messages that overrun and bad UTF-8 are refused.
import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { isUtf8 } from "../../wire/memory.ts";

/** Elements that a repeated field may hold, by `Message.field`; 0 for those not named, so that none is unbounded by oversight. */
export type RepeatedBounds = Readonly<Record<string, number>>;

type FieldRule = {
  readonly name: string;
  readonly wire: WireType;
  /** How often it may occur. */
  readonly most: number;
  readonly text: boolean;
  readonly message: DescMessage | undefined;
  /** Fields of one oneof share a slot. */
  readonly slot: number;
  /** Bits that the type holds; a longer varint would be read differently by different decoders. */
  readonly bits: number;
};

type MessageRule = ReadonlyMap<number, FieldRule>;
const compiled = new WeakMap<RepeatedBounds, Map<string, MessageRule>>();
const readOptions = { readUnknownFields: false };

/** Refuses with CAPSULE_MALFORMED; whoever decodes something else wraps that. Never throws on any bytes. */
export function decodeStrict<T extends DescMessage>(
  schema: T,
  bytes: Uint8Array,
  bounds: RepeatedBounds,
): Result<MessageShape<T>, CellError> {
  try {
    const fault = scan(schema, bytes, bounds);
    if (fault !== undefined) return err(new CellError("CAPSULE_MALFORMED", fault));
    return ok(fromBinary(schema, bytes, readOptions));
  } catch {
    return err(new CellError("CAPSULE_MALFORMED", `not a ${schema.name} message`));
  }
}

/** The first fault, or undefined. Throws where the wire format itself is broken. */
function scan(schema: DescMessage, bytes: Uint8Array, bounds: RepeatedBounds): string | undefined {
  const rules = rulesOf(schema, bounds);
  const seen = new Map<number, number>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const rule = rules.get(number);
    if (rule === undefined) return `${schema.name} has no field ${number} in this version`;
    if (wire !== rule.wire) return `${rule.name} has the wrong wire type`;
    const count = (seen.get(rule.slot) ?? 0) + 1;
    if (count > rule.most) {
      return rule.most === 1
        ? `${rule.name} is set twice`
        : `${rule.name} has more than ${rule.most} elements`;
    }
    seen.set(rule.slot, count);
    const from = reader.pos;
    const fault =
      wire === WireType.Varint
        ? varintFault(reader, bytes, rule)
        : (lengthFault(bytes, from, rule) ?? valueFault(reader.bytes(), rule, bounds));
    if (fault !== undefined) return fault;
  }
  return reader.pos === reader.len ? undefined : `${schema.name} is cut short`;
}

function varintFault(reader: BinaryReader, bytes: Uint8Array, rule: FieldRule): string | undefined {
  const isCut = hasMoreBits(bytes, reader.pos, 64);
  const value = reader.uint64();
  if (!isCut && (rule.bits === 64 || BigInt(value) >> BigInt(rule.bits) === 0n)) return undefined;
  return `${rule.name} does not fit its type`;
}

const lengthFault = (bytes: Uint8Array, from: number, rule: FieldRule): string | undefined =>
  hasMoreBits(bytes, from, 32) ? `${rule.name} has a length beyond 32 bits` : undefined;

/** Whether a varint takes more bytes than so many bits need, or has others: some decoders drop them, some refuse. */
function hasMoreBits(bytes: Uint8Array, from: number, bits: 32 | 64): boolean {
  const last = Math.floor(bits / 7);
  for (let at = 0; at < last; at += 1) if ((bytes[from + at] ?? 0) < 0x80) return false;
  return (bytes[from + last] ?? 0) >> (bits - 7 * last) > 0;
}

function valueFault(value: Uint8Array, rule: FieldRule, bounds: RepeatedBounds): string | undefined {
  if (rule.message !== undefined) return scan(rule.message, value, bounds);
  return rule.text && !isUtf8(value) ? `${rule.name} is not UTF-8` : undefined;
}

function rulesOf(schema: DescMessage, bounds: RepeatedBounds): MessageRule {
  let rules = compiled.get(bounds);
  if (rules === undefined) {
    rules = new Map();
    compiled.set(bounds, rules);
  }
  let rule = rules.get(schema.typeName);
  if (rule === undefined) {
    rule = new Map(schema.fields.map((field) => [field.number, ruleOf(schema, field, bounds)]));
    rules.set(schema.typeName, rule);
  }
  return rule;
}

function ruleOf(schema: DescMessage, field: DescField, bounds: RepeatedBounds): FieldRule {
  const name = `${schema.name}.${field.name}`;
  const list = field.fieldKind === "list";
  const scalar = field.scalar;
  const text = scalar === ScalarType.STRING;
  const delimited = field.message !== undefined || text || scalar === ScalarType.BYTES;
  if (field.fieldKind === "map" || (list && !delimited)) throw new TypeError(`${name}: no rule for its type`);
  return {
    name,
    wire: delimited ? WireType.LengthDelimited : WireType.Varint,
    most: list ? (bounds[name] ?? 0) : 1,
    text,
    message: field.message,
    slot: field.oneof === undefined ? field.number : -1 - schema.oneofs.indexOf(field.oneof),
    bits: scalar === ScalarType.UINT64 ? 64 : scalar === ScalarType.BOOL ? 1 : 32,
  };
}
