import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventSchema, FailureClass } from "../../src/gen/cell0/v1/events_pb.ts";
import { boundText, type EventInput, encodeEvent, eventId, eventKinds } from "../../src/telemetry/event.ts";

const stamp = {
  node: "a",
  id: eventId(1_700_000_000_000),
  time: { unixMs: 1_700_000_000_000, counter: 2 },
  sequence: 7n,
};

const eventOf = (input: EventInput) => fromBinary(EventSchema, encodeEvent(input, stamp));

test("plain inputs become protobuf fields: numbers, hex, words for enums", () => {
  const input: EventInput = {
    actor: "support/triage",
    incarnation: { term: 1, activation: 3 },
    intent: {
      id: "0a0b",
      rootId: "0c",
      causeId: "",
      hash: "ff",
      type: "ticket.open",
      principal: "operator",
      epoch: 4,
    },
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    kind: {
      case: "actorCrashed",
      value: { failure: "poison", name: "TypeError", message: "x", origin: "transition" },
    },
  };
  const event = eventOf(input);
  expect(event).toMatchObject({
    actor: "support/triage",
    sequence: 7n,
    incarnation: { term: 1n, activation: 3n },
  });
  expect(event.intent).toMatchObject({ intent: "ticket.open", epoch: 4n, id: new Uint8Array([10, 11]) });
  expect(event.kind).toMatchObject({ case: "actorCrashed", value: { failure: FailureClass.POISON } });
});

test("an input that does not fit is refused and leaves the next event whole", () => {
  const kind = { case: "nodeStarted", value: { version: "1", bootUs: "soon" } };
  expect(() => eventOf({ kind } as unknown as EventInput)).toThrow(
    "NodeStarted.bootUs does not take a string",
  );
  const { kind: next } = eventOf({ kind: { case: "nodeStopped", value: { reason: "asked to" } } });
  expect(next).toMatchObject({ case: "nodeStopped", value: { reason: "asked to" } });
});

test("lists become repeated fields, each element whole", () => {
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const scopes = [
    { scope: "shop", epoch: 3n },
    { scope: "default", epoch: 1n },
  ];
  const value = { author: "operator", tokens: [one, two], tokenCount: 2, scopes };
  const { kind } = eventOf({ kind: { case: "revocationsChanged", value } });
  expect(kind).toMatchObject({ case: "revocationsChanged", value });
  const unfit = { case: "revocationsChanged", value: { tokens: "none" } };
  expect(() => eventOf({ kind: unfit } as unknown as EventInput)).toThrow("does not take a string");
});

test("every kind of event can be built empty and comes back as itself", () => {
  for (const kind of eventKinds) {
    const input = { kind: { case: kind, value: {} } } as EventInput;
    const event = eventOf(input);
    expect(event.kind.case).toBe(kind);
  }
});

test("a crash's stack and message are cut at their bounds", () => {
  const long = "é".repeat(100_000);
  const kind = { case: "actorCrashed", value: { message: long, stack: long } } as const;
  const event = eventOf({ kind });
  if (event.kind.case !== "actorCrashed") throw new Error("another kind");
  expect(Buffer.byteLength(event.kind.value.message)).toBeLessThanOrEqual(4096);
  expect(Buffer.byteLength(event.kind.value.stack)).toBeLessThanOrEqual(16_384);
});

test("a text is cut to its bound within characters, whatever it holds", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.integer({ min: 16, max: 200 }),
      (text, max) => {
        const cut = boundText(text, max);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        expect(cut.includes("\uFFFD")).toBe(text.toWellFormed().includes("\uFFFD") && cut.includes("\uFFFD"));
      },
    ),
  );
});

test("ids are of version 7 and sort by time", () => {
  const ids = [1, 2, 1_700_000_000_000, 1_700_000_000_001].map((ms) =>
    Buffer.from(eventId(ms)).toString("hex"),
  );
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^.{12}7.{3}[89ab].{15}$/);
});
