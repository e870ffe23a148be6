import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Budget } from "../../../src/actors/isolation/budget.ts";
import { readDescription } from "../../../src/actors/isolation/description.ts";
import { encodeFrame, FrameReader, MAX_FROM_ACTOR_BYTES } from "../../../src/actors/isolation/frames.ts";
import { Heartbeat } from "../../../src/actors/isolation/heartbeat.ts";
import { Lines } from "../../../src/actors/isolation/lines.ts";
import {
  fromActorFrame,
  fromOutcome,
  MAX_VALUE_BYTES,
  readFromActor,
} from "../../../src/actors/isolation/messages.ts";
import { type FrameSink, RemoteFrames } from "../../../src/actors/isolation/remote-frames.ts";
import { RemoteRequests } from "../../../src/actors/isolation/remote-requests.ts";
import { createVirtualClock } from "../../../src/actors/testkit/virtual-clock.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { Priority } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { ActorOutcomeSchema, ActorRequestSchema } from "../../../src/gen/cell0/v1/channel_pb.ts";
import { MAX_CAPABILITY_CHARS } from "../../../src/security/capability/capability-text.ts";
import { processorMs } from "../../measure.ts";

const nothing = () => {};
const NO_SINK: FrameSink = {
  up: nothing,
  begun: nothing,
  reply: nothing,
  request: nothing,
  log: nothing,
  transition: nothing,
  state: nothing,
  beat: nothing,
  exit: nothing,
};
const MAX = 4096;
const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });

describe("frames", () => {
  test("come out as they went in, wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 20 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 64 })),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(encodeFrame));
          const reader = new FrameReader(MAX);
          const read: Uint8Array[] = [];
          for (let at = 0; at < stream.length; ) {
            const size = cuts.next().value ?? 1;
            const chunk = new Uint8Array(stream.subarray(at, at + size));
            for (const frame of reader.push(chunk)) read.push(Uint8Array.from(frame));
            at += size;
          }
          expect(read).toEqual(messages.map((message) => Uint8Array.from(message)));
        },
      ),
    );
  });

  test("that come byte by byte take the memory of their bytes, and no more", () => {
    const reader = new FrameReader(MAX_FROM_ACTOR_BYTES);
    const length = 1024 * 1024;
    const push = (chunk: Uint8Array) => [...reader.push(chunk)];
    push(encodeFrame(new Uint8Array(length)).subarray(0, 4));
    const before = process.memoryUsage();
    for (let at = 1; at < length; at++) push(new Uint8Array(1));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(40 * 1024 * 1024);
    expect(push(new Uint8Array(1))).toHaveLength(1);
  });

  test("that come before a violation in one chunk are told before it", () => {
    const reader = new FrameReader(MAX);
    const frames = reader.push(Uint8Array.of(...encodeFrame(Uint8Array.of(7)), 0, 0, 0, 0));
    expect(frames.next().value).toEqual(Uint8Array.of(7));
    expect(() => frames.next()).toThrow(CellError);
  });

  test("that are large use up what an actor's side may send in a second", () => {
    let pauses = 0;
    const link = { pause: () => pauses++, resume: () => {} };
    const frames = new RemoteFrames(link, createVirtualClock(0), { ...NO_SINK, up: () => {} });
    frames.take(fromActorFrame({ case: "up", value: {} }));
    const state = fromActorFrame({ case: "state", value: { snapshot: new Uint8Array(4 * 1024 * 1024) } });
    for (let sent = 0; sent < 19; sent++) frames.take(state);
    expect(pauses).toBe(0);
    frames.take(state);
    expect(pauses).toBe(1);
  });

  test("with values beyond their bound violate the channel, though the frame is within its own", () => {
    const value = new TextEncoder().encode(JSON.stringify("x".repeat(MAX_VALUE_BYTES)));
    const violated = expect.objectContaining({ code: "ACTOR_CHANNEL_VIOLATED" });
    const outcomes: readonly ["json" | "raw", Uint8Array][] = [
      ["json", value],
      ["raw", value],
    ];
    for (const [kind, bytes] of outcomes) {
      const outcome = create(ActorOutcomeSchema, { kind: { case: kind, value: bytes }, final: true });
      expect(() => fromOutcome(outcome)).toThrow(violated);
    }
    const requests = new RemoteRequests({ send: () => {}, reply: () => {}, warn: () => {} });
    const asked = { target: "g/b", intent: "i", payload: value, priority: Priority.NORMAL, timeoutMs: 1_000 };
    expect(() => requests.send(create(ActorRequestSchema, asked), undefined)).toThrow(violated);
  });

  test("that send under a capability beyond any chain are refused", () => {
    const sent = vi.fn();
    const requests = new RemoteRequests({ send: sent, reply: () => {}, warn: () => {} });
    const asked = { target: "g/b", intent: "i", priority: Priority.NORMAL, timeoutMs: 1_000 };
    const send = (capability: string) =>
      requests.send(create(ActorRequestSchema, { ...asked, capability }), undefined);
    for (const capability of ["", "AAAA", "A".repeat(MAX_CAPABILITY_CHARS)]) send(capability);
    expect(sent.mock.calls.map(([intent]) => intent.capability?.length)).toEqual([
      ...[undefined, 4, MAX_CAPABILITY_CHARS],
    ]);
    expect(() => send("A".repeat(MAX_CAPABILITY_CHARS + 1))).toThrow(
      expect.objectContaining({ code: "ACTOR_CHANNEL_VIOLATED" }),
    );
  });

  test.each([
    ["many lists", `[${"[],".repeat(340_000)}1]`],
    ["many numbers", `[${"1,".repeat(500_000)}1]`],
    ["many objects", `[${'{"a":1},'.repeat(125_000)}1]`],
    ["more than its bound", JSON.stringify("x".repeat(2 * 1024 * 1024))],
  ])("that describe a behaviour by %s do not hold up the node", (_, payload) => {
    const described = `{"intents":{"a":{"description":"","payload":${payload},"reply":null,"manifest":null}},"states":[]}`;
    const ms = processorMs(() => {
      try {
        readDescription(new TextEncoder().encode(described));
      } catch (error) {
        expect(error).toMatchObject({ code: "ACTOR_CHANNEL_VIOLATED" });
      }
    });
    expect(ms).toBeLessThan(400);
  });

  test.each([0, MAX + 1, 0xffff_ffff])("that announce %d bytes are refused before they come", (length) => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, length);
    expect(() => [...new FrameReader(MAX).push(header)]).toThrow(CellError);
  });

  test("of arbitrary bytes are a message or ACTOR_CHANNEL_VIOLATED, and nothing else", () => {
    const violates = (take: () => void) => {
      try {
        take();
      } catch (error) {
        expect(error).toBeInstanceOf(CellError);
        expect(error).toMatchObject({ code: "ACTOR_CHANNEL_VIOLATED" });
      }
    };
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (messages) => {
        for (const message of messages) violates(() => void readFromActor(message));
        const frames = new RemoteFrames({ pause: nothing, resume: nothing }, createVirtualClock(0), NO_SINK);
        for (const message of messages) violates(() => frames.take(encodeFrame(message)));
      }),
    );
  });
});

test("a budget never gives more than its burst and its rate allow", () => {
  const steps = fc.array(
    fc.record({ waitMs: fc.integer({ min: 0, max: 500 }), cost: fc.integer({ min: 1, max: 9 }) }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      const budget = new Budget(100, 50, 0);
      let now = 0;
      let taken = 0;
      for (const { waitMs, cost } of all) {
        now += waitMs;
        if (budget.take(cost, now)) taken += cost;
        expect(taken).toBeLessThanOrEqual(50 + now / 10 + 1e-6);
      }
    }),
  );
});

describe("the heartbeat", () => {
  const watch = (progressMs: number) => {
    const clock = createVirtualClock(0);
    let missed = 0;
    const heartbeat = new Heartbeat({ clock, progressMs, missed: () => missed++ });
    const until = (unixMs: number) => {
      for (let fire = clock.takeDue(unixMs); fire !== undefined; fire = clock.takeDue(unixMs)) fire();
      clock.set(unixMs);
    };
    return { heartbeat, until, missed: () => missed };
  };

  test("misses a loop that stands still for the time allowed, once", () => {
    const { heartbeat, until, missed } = watch(1_000);
    for (let at = 250; at <= 2_000; at += 250) {
      until(at);
      heartbeat.beat();
    }
    expect(missed()).toBe(0);
    until(2_900);
    expect(missed()).toBe(0);
    until(9_000);
    expect(missed()).toBe(1);
  });

  test("is silent after it was stopped", () => {
    const { heartbeat, until, missed } = watch(1_000);
    heartbeat.stop();
    until(9_000);
    expect(missed()).toBe(0);
  });
});

test("lines are cut at a bounded length, and blank ones are nothing", () => {
  const told: number[] = [];
  const lines = new Lines((line) => told.push(line.length));
  lines.push(`one\n\n  \n${"x".repeat(10_000)}`);
  lines.push("\ntwo");
  lines.end();
  expect(told).toEqual([3, 4096, 4096, 1808, 3]);
});
