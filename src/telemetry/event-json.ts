// An event as plain JSON, for `--json` and for whoever reads events without protobuf:
// bytes in hex, enums as words, 64-bit numbers as numbers where those are exact.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../gen/cell0/v1/events_pb.ts";

export type EventJson = {
  readonly sequence: number | string;
  readonly id: string;
  /** ISO 8601, with the logical counter beside it. */
  readonly time: string;
  readonly counter: number;
  readonly node: string;
  /** As in events.proto, in camel case: `actorCrashed`. */
  readonly kind: string;
  readonly actor?: string;
  readonly incarnation?: Readonly<Record<string, unknown>>;
  readonly intent?: Readonly<Record<string, unknown>>;
  readonly traceparent?: string;
  /** What the kind itself says. */
  readonly data: Readonly<Record<string, unknown>>;
};

export function eventToJson(event: Event): EventJson {
  const { kind, trace } = event;
  return {
    sequence: exact(event.sequence),
    id: hex(event.id),
    time: isoTime(event),
    counter: event.time?.counter ?? 0,
    node: event.node,
    kind: kind.case ?? "unknown",
    ...(event.actor !== "" && { actor: event.actor }),
    ...(event.incarnation && { incarnation: plainField("incarnation", event.incarnation) }),
    ...(event.intent && { intent: plainField("intent", event.intent) }),
    ...(trace && { traceparent: trace.traceparent }),
    data: kind.case === undefined ? {} : plainField(kind.case, kind.value),
  };
}

export function isoTime(event: Event): string {
  const unixMs = Number(event.time?.unixMs ?? 0n);
  return Math.abs(unixMs) <= 8.64e15 ? new Date(unixMs).toISOString() : `${unixMs}`;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const fields = new Map(EventSchema.fields.map((field) => [field.localName, field]));

function plainField(name: string, value: object): Readonly<Record<string, unknown>> {
  const message = fields.get(name)?.message;
  return message === undefined ? {} : plain(message, value);
}

function plain(schema: DescMessage, value: object): Readonly<Record<string, unknown>> {
  const given = new Map(Object.entries(value));
  const entries = schema.fields.map((field) => [
    field.localName,
    plainValue(field, given.get(field.localName)),
  ]);
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

function plainValue(field: DescField, value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "bigint") return exact(value);
  if (field.fieldKind === "enum") {
    return field.enum.values.find(({ number }) => number === value)?.localName.toLowerCase() ?? value;
  }
  if (field.message !== undefined && typeof value === "object" && value !== null)
    return plain(field.message, value);
  return value;
}

function exact(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
