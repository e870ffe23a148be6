import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { type EventInput, encodeEvent, eventId, eventKinds } from "../../src/telemetry/event.ts";
import { formatEvent, formatEventJson } from "../../src/telemetry/format.ts";

const stamp = {
  node: "a",
  id: eventId(1_700_000_000_000, new Uint8Array(10)),
  time: { unixMs: 1_700_000_000_123, counter: 2 },
  sequence: 7n,
};
const eventOf = (input: EventInput) => fromBinary(EventSchema, encodeEvent(input, stamp));
const line = (input: EventInput) => formatEvent(eventOf(input));

test.each<[string, EventInput]>([
  [
    "22:13:20.123 a g/x#3 crash (transition, handling greet): TypeError: no [greet 0a from operator]",
    {
      actor: "g/x",
      incarnation: { term: 1, activation: 3 },
      intent: {
        id: "0a",
        rootId: "0a",
        causeId: "",
        hash: "",
        type: "greet",
        principal: "operator",
        epoch: 0,
      },
      kind: {
        case: "actorCrashed",
        value: { failure: "crash", name: "TypeError", message: "no", origin: "transition", event: "greet" },
      },
    },
  ],
  [
    "22:13:20.123 a refused ann greet at authority on g/x, capability 0101010101010101: CAPABILITY_REVOKED: no",
    {
      kind: {
        case: "intentRefused",
        value: {
          ...{ principal: "ann", stage: "authority", target: "g/x", count: 1, intent: "greet" },
          token: new Uint8Array(32).fill(1),
          error: { code: "CAPABILITY_REVOKED", message: "no", remedy: "", retryable: false },
        },
      },
    },
  ],
  [
    "22:13:20.123 a refused g/agent of b greet at authority on g/x: CAPABILITY_SPENT: no",
    {
      kind: {
        case: "intentRefused",
        value: {
          ...{
            principal: "b",
            source: "g/agent",
            stage: "authority",
            target: "g/x",
            count: 1,
            intent: "greet",
          },
          error: { code: "CAPABILITY_SPENT", message: "no", remedy: "", retryable: false },
        },
      },
    },
  ],
  [
    "22:13:20.123 a refused mallory at signature on g/x (12 times): CAPSULE_BAD: no",
    {
      kind: {
        case: "intentRefused",
        value: {
          principal: "mallory",
          stage: "signature",
          target: "g/x",
          count: 12,
          error: { code: "CAPSULE_BAD", message: "no" },
        },
      },
    },
  ],
  [
    "22:13:20.123 a g/x restarted (2) in 15.3 ms, 12 ms of it backoff, after crash: Error: boom",
    {
      actor: "g/x",
      kind: {
        case: "actorRestarted",
        value: { restarts: 2, elapsedUs: 15_300, backoffMs: 12, cause: "crash: Error: boom" },
      },
    },
  ],
])("reads as: %s", (expected, input) => {
  expect(line(input)).toBe(expected);
});

test("every kind of event has words of its own", () => {
  const lines = eventKinds.map((kind) => line({ kind: { case: kind, value: {} } } as EventInput));
  expect(lines.filter((one) => one.includes("unknown event"))).toEqual([]);
  expect(new Set(lines).size).toBe(eventKinds.length);
});

test("no text of an actor's can break the line or move the cursor", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (message) => {
      const one = line({ actor: "g/x", kind: { case: "actorLogged", value: { level: "info", message } } });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested
      expect(one).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
    }),
  );
});

test("colours are there only when asked for", () => {
  const event = eventOf({ kind: { case: "nodeStopped", value: { reason: "asked to" } } });
  expect(formatEvent(event, { color: true })).toContain("\u001b[");
  expect(formatEvent(event)).not.toContain("\u001b[");
});

test("JSON has hex ids, words for enums and numbers for numbers", () => {
  const intent = {
    id: "0a0b",
    rootId: "0a0b",
    causeId: "",
    hash: "ff",
    type: "greet",
    principal: "operator",
    epoch: 1,
  };
  const kind = { case: "actorRestarted", value: { restarts: 2, failure: "hang", cause: "x" } } as const;
  const incarnation = { term: 1, activation: 2 };
  const json = JSON.parse(formatEventJson(eventOf({ actor: "g/x", incarnation, intent, kind })));
  expect(json).toMatchObject({
    sequence: 7,
    time: "2023-11-14T22:13:20.123Z",
    node: "a",
    kind: "actorRestarted",
    actor: "g/x",
    incarnation: { term: 1, activation: 2 },
    intent: { id: "0a0b", intent: "greet", principal: "operator" },
    data: { restarts: 2, failure: "hang", cause: "x" },
  });
  expect(json.id).toMatch(/^[0-9a-f]{32}$/);
});
