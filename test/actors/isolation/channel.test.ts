import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Budget } from "../../../src/actors/isolation/budget.ts";
import { encodeFrame, FrameReader } from "../../../src/actors/isolation/frames.ts";
import { Heartbeat } from "../../../src/actors/isolation/heartbeat.ts";
import { Lines } from "../../../src/actors/isolation/lines.ts";
import { readFromActor } from "../../../src/actors/isolation/messages.ts";
import { RemoteFrames } from "../../../src/actors/isolation/remote-frames.ts";
import { createVirtualClock } from "../../../src/actors/testkit/virtual-clock.ts";
import { CellError } from "../../../src/errors/cell-error.ts";

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
            read.push(
              ...reader
                .push(new Uint8Array(stream.subarray(at, at + size)))
                .map((frame) => Uint8Array.from(frame)),
            );
            at += size;
          }
          expect(read).toEqual(messages.map((message) => Uint8Array.from(message)));
        },
      ),
    );
  });

  test.each([0, MAX + 1, 0xffff_ffff])("that announce %d bytes are refused before they come", (length) => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, length);
    expect(() => new FrameReader(MAX).push(header)).toThrow(CellError);
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
    const nothing = () => {};
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (messages) => {
        for (const message of messages) violates(() => void readFromActor(message));
        const sink = {
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
        const frames = new RemoteFrames({ pause: nothing, resume: nothing }, createVirtualClock(0), sink);
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
