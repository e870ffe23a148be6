// Protobuf as a list of fields, each with the very bytes of its head, for whoever wants to write
// it wrongly on purpose. Knows no schema: what has a length may be a message, a text, or bytes.
import { concat } from "../../src/security/bytes.ts";

export const VARINT = 0;
export const DELIMITED = 2;
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);
const MAX_FIELDS = 4_096;

export type Field = {
  readonly number: number;
  readonly wire: number;
  /** Tag, and length where there is one. */
  readonly head: Uint8Array;
  readonly value: Uint8Array;
};

/** @param least bytes that it takes at least */
export function varint(value: bigint, least = 1): Uint8Array {
  const groups: number[] = [];
  for (let rest = value; rest > 0n || groups.length < least; rest >>= 7n) groups.push(Number(rest & 0x7fn));
  return Uint8Array.from(groups, (group, at) => (at < groups.length - 1 ? group | 0x80 : group));
}

export function fieldOf(number: number, wire: number, value: Uint8Array): Field {
  const tag = varint(BigInt(number) * 8n + BigInt(wire));
  const head = wire === DELIMITED ? concat(tag, varint(BigInt(value.length))) : tag;
  return { number, wire, head, value };
}

export const writeFields = (fields: readonly Field[]): Uint8Array =>
  concat(...fields.flatMap(({ head, value }) => [head, value]));

/** Undefined: these bytes are no fields, or too many. */
export function readFields(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const from = at;
    const tag = varintEnd(bytes, at);
    if (tag === undefined || fields.length === MAX_FIELDS) return undefined;
    at = tag.end;
    const wire = Number(tag.value & 7n);
    let size = FIXED_BYTES.get(wire);
    const number = wire === VARINT || wire === DELIMITED ? varintEnd(bytes, at) : undefined;
    if (number !== undefined && wire === VARINT) size = number.end - at;
    if (number !== undefined && wire === DELIMITED) {
      at = number.end;
      size = Number(number.value);
    }
    if (size === undefined || at + size > bytes.length || tag.value >> 3n === 0n) return undefined;
    const [head, value] = [bytes.subarray(from, at), bytes.subarray(at, at + size)];
    fields.push({ number: Number(tag.value >> 3n), wire, head, value });
    at += size;
  }
  return fields;
}

function varintEnd(bytes: Uint8Array, from: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let at = from; at < from + 10; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
