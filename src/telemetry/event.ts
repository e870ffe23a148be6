// Writes events as protobuf from plain inputs: numbers for 64-bit fields, hex for
// bytes, words for enums. Who records an event needs no knowledge of protobuf. It
// decides nothing about where events go, and bounds every text that enters one.
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { ProtoWriter } from "../wire/proto-writer.ts";
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
  "cell0.v1.ProcessDied.stack": 16_384,
  "cell0.v1.ActorLogged.message": 8192,
  "cell0.v1.DeadLettered.message": 4096,
};
const TRUNCATED = " [cut]";
const UINT32_MAX = 0xffff_ffff;

/**
 * The event as protobuf bytes, as they are logged and published.
 * @throws TypeError when the input does not fit the kind's message: a bug of the caller
 */
export function encodeEvent(input: EventInput, stamp: EventStamp): Uint8Array {
  try {
    writeMessage(EventSchema, { ...stamp, ...plainOf(input) });
    const kind = kindFields.get(input.kind.case);
    if (kind === undefined) throw new TypeError(`no event kind ${JSON.stringify(input.kind.case)}`);
    writeNested(kind, input.kind.value);
    return writer.take();
  } catch (error) {
    // What is half written must not open the next event.
    writer.reset();
    throw error;
  }
}

function plainOf({ actor, incarnation, intent, traceparent }: EventInput): object {
  return {
    actor,
    incarnation,
    intent: intent && { ...intent, intent: intent.type },
    trace: traceparent ? { traceparent } : undefined,
  };
}

/** Time-ordered id (RFC 9562, version 7): 48 bits of milliseconds, then randomness. */
export function eventId(unixMs: number, random: Uint8Array = randomView(10)): Uint8Array {
  const id = new Uint8Array(16);
  let rest = Math.max(0, Math.trunc(unixMs));
  for (let at = 5; at >= 0; at -= 1) {
    id[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
  for (let at = 0; at < 10; at += 1) id[6 + at] = random[at] ?? 0;
  id[6] = 0x70 | ((id[6] ?? 0) & 0x0f);
  id[8] = 0x80 | ((id[8] ?? 0) & 0x3f);
  return id;
}

const kindFields: ReadonlyMap<string, DescField> = new Map(
  (EventSchema.oneofs[0]?.fields ?? []).map((field) => [field.localName, field]),
);

export const eventKinds: readonly EventKindName[] = [...kindFields.keys()] as EventKindName[];

/** One for all events. */
const writer = new ProtoWriter();

/** What the fields of a message need at run time, in the order of their numbers. Defaults are left out, as protobuf has it. */
type FieldPlan = { readonly name: string; readonly write: (value: unknown) => void };
const plans = new WeakMap<DescMessage, readonly FieldPlan[]>();

function planOf(schema: DescMessage): readonly FieldPlan[] {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = schema.fields
      .filter(({ oneof }) => oneof === undefined)
      .map((field) => ({ name: field.localName, write: writerOf(field) }));
    plans.set(schema, plan);
  }
  return plan;
}

function writeMessage(schema: DescMessage, plain: object): void {
  const given = plain as Readonly<Record<string, unknown>>;
  for (const { name, write } of planOf(schema)) {
    const value = given[name];
    if (value !== undefined) write(value);
  }
}

function writeNested(field: DescField, value: unknown): void {
  if (field.message === undefined || typeof value !== "object" || value === null) throw unfit(field, value);
  const message = writer.open(field.number);
  writeMessage(field.message, value);
  writer.close(message);
}

function writerOf(field: DescField): (value: unknown) => void {
  const { number } = field;
  if (field.fieldKind === "message") return (value) => writeNested(field, value);
  if (field.fieldKind === "list") return listWriter(field);
  if (field.fieldKind === "enum") return (value) => writer.number(number, enumNumber(field.enum, value));
  if (field.fieldKind === "scalar") {
    switch (field.scalar) {
      case ScalarType.STRING:
        return textWriter(field);
      case ScalarType.BYTES:
        return bytesWriter(field);
      case ScalarType.UINT64:
        return (value) => {
          const whole = unsigned(field, value);
          if (typeof whole === "bigint") writer.big(number, whole);
          else writer.number(number, whole);
        };
      case ScalarType.UINT32:
        return (value) => writer.number(number, Math.min(Number(unsigned(field, value)), UINT32_MAX));
      case ScalarType.BOOL:
        return (value) => {
          if (typeof value !== "boolean") throw unfit(field, value);
          writer.flag(number, value);
        };
    }
  }
  return (value) => {
    throw unfit(field, value);
  };
}

function bytesWriter(field: DescField): (value: unknown) => void {
  return (value) => {
    if (value instanceof Uint8Array) writer.bytes(field.number, value);
    else if (typeof value !== "string" || !writer.hex(field.number, value)) throw unfit(field, value);
  };
}

/** Of messages and of bytes that are not empty; no event has another one. */
function listWriter(field: DescField & { readonly fieldKind: "list" }): (value: unknown) => void {
  const isBytes = field.listKind === "scalar" && field.scalar === ScalarType.BYTES;
  const write = isBytes ? bytesWriter(field) : (value: unknown) => writeNested(field, value);
  return (value) => {
    if (!Array.isArray(value)) throw unfit(field, value);
    for (const each of value) write(each);
  };
}

function textWriter(field: DescField): (value: unknown) => void {
  const max = TEXT_BOUNDS[`${field.parent.typeName}.${field.localName}`] ?? MAX_TEXT_BYTES;
  return (value) => {
    if (typeof value !== "string") throw unfit(field, value);
    writer.text(field.number, boundText(value, max));
  };
}

function unsigned(field: DescField, value: unknown): bigint | number {
  if (typeof value === "bigint" && value >= 0n) return value;
  if (typeof value !== "number" || !Number.isFinite(value)) throw unfit(field, value);
  const whole = Math.max(0, Math.round(value));
  return Number.isSafeInteger(whole) ? whole : BigInt(whole);
}

function enumNumber(schema: DescEnum, value: unknown): number {
  if (typeof value === "number") return value;
  const found = schema.values.find((known) => known.localName.toLowerCase() === value);
  if (found === undefined) throw new TypeError(`${schema.name} has no value ${JSON.stringify(value)}`);
  return found.number;
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
