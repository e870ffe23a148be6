// Builds the protobuf `Event` from plain inputs: numbers for 64-bit fields, hex for
// bytes, words for enums. Who records an event needs no knowledge of protobuf. It
// decides nothing about where events go, and bounds every text that enters one.
import { create, type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { randomView } from "./random-pool.ts";

type KnownKind = Exclude<Event["kind"], { case: undefined }>;

/** Name of what happened, as in the oneof of events.proto: `actorCrashed`, `intentRefused`. */
export type EventKindName = KnownKind["case"];

/** Enum values as lower-case words: `crash` for FAILURE_CLASS_CRASH. */
type Plain<T> = T extends bigint
  ? number | bigint
  : T extends Uint8Array
    ? Uint8Array | string
    : T extends number
      ? number extends T
        ? number
        : string
      : T extends string | boolean | undefined
        ? T
        : T extends object
          ? { readonly [K in keyof T as K extends `$${string}` ? never : K]?: Plain<T[K]> | undefined }
          : never;

export type EventKindInput = {
  readonly [K in EventKindName]: {
    readonly case: K;
    readonly value: Plain<Extract<KnownKind, { case: K }>["value"]>;
  };
}[EventKindName];

/** The capsule in hand; an actor's `IntentRef` fits. Ids and hash are hex. */
export type IntentInput = {
  readonly id: string;
  readonly rootId: string;
  readonly causeId: string;
  readonly hash: string;
  readonly type: string;
  readonly principal: string;
  readonly epoch: number;
};

export type EventInput = {
  /** Path; absent when it is about the node. */
  readonly actor?: string | undefined;
  readonly incarnation?: { readonly term: number; readonly activation: number } | undefined;
  readonly intent?: IntentInput | undefined;
  readonly traceparent?: string | undefined;
  readonly kind: EventKindInput;
};

/** Hybrid logical clock: physical milliseconds, then a counter within them. */
export type HybridNow = () => { readonly unixMs: number; readonly counter: number };

export type EventStamp = {
  readonly node: string;
  readonly id: Uint8Array;
  readonly time: { readonly unixMs: number; readonly counter: number };
  readonly sequence: bigint;
};

const MAX_TEXT_BYTES = 1024;
/** Fields with bounds of their own, as events.proto states them. */
const TEXT_BOUNDS: Readonly<Record<string, number>> = {
  "cell0.v1.ActorCrashed.message": 4096,
  "cell0.v1.ActorCrashed.stack": 16_384,
  "cell0.v1.ActorLogged.message": 8192,
  "cell0.v1.DeadLettered.message": 4096,
};
const TRUNCATED = " [cut]";

/** @throws TypeError when the input does not fit the kind's message: a bug of the caller */
export function buildEvent(input: EventInput, stamp: EventStamp): Event {
  const { intent } = input;
  const init = {
    ...stamp,
    actor: input.actor,
    incarnation: input.incarnation,
    intent: intent && { ...intent, intent: intent.type },
    trace: input.traceparent ? { traceparent: input.traceparent } : undefined,
  };
  const event = fill(EventSchema, init) as Event;
  event.kind = fillKind(input.kind);
  return event;
}

/** Time-ordered id (RFC 9562, version 7): 48 bits of milliseconds, then randomness. */
export function eventId(unixMs: number, random: Uint8Array = randomView(10)): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setBigUint64(0, BigInt(Math.max(0, Math.trunc(unixMs))) << 16n);
  id.set(random.subarray(0, 10), 6);
  id[6] = 0x70 | ((id[6] ?? 0) & 0x0f);
  id[8] = 0x80 | ((id[8] ?? 0) & 0x3f);
  return id;
}

function fillKind(input: EventKindInput): Event["kind"] {
  const field = kindFields.get(input.case);
  if (field?.message === undefined) throw new TypeError(`no event kind ${JSON.stringify(input.case)}`);
  return { case: input.case, value: fill(field.message, input.value) } as Event["kind"];
}

const kindFields: ReadonlyMap<string, DescField> = new Map(
  (EventSchema.oneofs[0]?.fields ?? []).map((field) => [field.localName, field]),
);

export const eventKinds: readonly EventKindName[] = [...kindFields.keys()] as EventKindName[];

function fill(schema: DescMessage, plain: object): object {
  const message = create(schema) as unknown as Record<string, unknown>;
  const given = plain as Readonly<Record<string, unknown>>;
  for (const field of schema.fields) {
    if (field.oneof) continue;
    const value = given[field.localName];
    if (value !== undefined) message[field.localName] = convert(field, value);
  }
  return message;
}

function convert(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "message" && typeof value === "object" && value !== null)
    return fill(field.message, value);
  if (field.fieldKind === "enum") return enumNumber(field.enum, value);
  if (field.fieldKind !== "scalar") throw unfit(field, value);
  if (field.scalar === ScalarType.STRING && typeof value === "string") return bounded(field, value);
  if (field.scalar === ScalarType.BYTES) return bytesOf(field, value);
  if (field.scalar === ScalarType.UINT64) return unsigned(field, value);
  if (field.scalar === ScalarType.BOOL && typeof value === "boolean") return value;
  if (field.scalar === ScalarType.UINT32) return Number(BigInt.asUintN(32, unsigned(field, value)));
  throw unfit(field, value);
}

function unsigned(field: DescField, value: unknown): bigint {
  if (typeof value === "bigint" && value >= 0n) return value;
  if (typeof value === "number" && Number.isFinite(value)) return BigInt(Math.max(0, Math.round(value)));
  throw unfit(field, value);
}

function bytesOf(field: DescField, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string" && /^([0-9a-f]{2})*$/i.test(value)) return Buffer.from(value, "hex");
  throw unfit(field, value);
}

function enumNumber(schema: DescEnum, value: unknown): number {
  if (typeof value === "number") return value;
  const found = schema.values.find((known) => known.localName.toLowerCase() === value);
  if (found === undefined) throw new TypeError(`${schema.name} has no value ${JSON.stringify(value)}`);
  return found.number;
}

function bounded(field: DescField, text: string): string {
  const max = TEXT_BOUNDS[`${field.parent.typeName}.${field.localName}`] ?? MAX_TEXT_BYTES;
  return boundText(text, max);
}

/** Cuts a text to at most `maxBytes` of UTF-8, never inside a character. */
export function boundText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text.isWellFormed() ? text : text.toWellFormed();
  const bytes = Buffer.from(text.slice(0, maxBytes + 1), "utf8");
  if (bytes.length <= maxBytes) return text.toWellFormed();
  let end = maxBytes - TRUNCATED.length;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end) + TRUNCATED;
}

function unfit(field: DescField, value: unknown): TypeError {
  return new TypeError(`${field.parent.name}.${field.localName} does not take a ${typeof value}`);
}
