// What a node's events cost the bus, and that none is lost or reordered on the way.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventGroupSchema, EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { EventBus } from "../../src/runtime/event-bus.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A whole one with this sequence. */
const event = (sequence: number, node = ""): Uint8Array =>
  toBinary(EventSchema, create(EventSchema, { sequence: BigInt(sequence), node }));

function open() {
  const sent: string[] = [];
  const groups: (readonly number[])[] = [];
  const sizes: number[] = [];
  const failures: unknown[] = [];
  const world = { isOpen: true, isBroken: false };
  const bus = new EventBus({
    isOpen: () => world.isOpen,
    publish: (subject, bytes) => {
      if (world.isBroken) throw new Error("no room");
      sent.push(subject);
      groups.push(fromBinary(EventGroupSchema, bytes).events.map(({ sequence }) => Number(sequence)));
      sizes.push(bytes.length);
    },
    onFailure: (error) => failures.push(error),
  });
  return { bus, sent, groups, sizes, failures, world };
}

test("events of the same moment leave together, in their order", () => {
  const { bus, sent } = open();
  bus.add("first", event(1));
  bus.add("second", event(2));
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["first", "second"]);
  bus.add("third", event(3));
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["first", "second", "third"]);
});

test("events of one kind that follow one another share a message", () => {
  const { bus, sent, groups } = open();
  ["a", "a", "a", "b", "a", "a"].forEach((kind, index) => {
    bus.add(kind, event(index));
  });
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["a", "b", "a"]);
  expect(groups).toEqual([[0, 1, 2], [3], [4, 5]]);
});

test("no message is larger than its bound, but one with a single event that is", () => {
  const { bus, groups, sizes } = open();
  [20_000, 20_000, 20_000, 20_000, 100_000, 10].forEach((length, index) => {
    bus.add("same", event(index, "n".repeat(length)));
  });
  vi.advanceTimersByTime(10);
  expect(groups).toEqual([[0, 1, 2], [3], [4], [5]]);
  expect(sizes.map((size) => size <= 64 * 1024)).toEqual([true, true, false, true]);
});

test("whatever comes, messages hold all of it, in its order", () => {
  const arriving = fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(400));
  fc.assert(
    fc.property(fc.array(arriving, { maxLength: 600 }), (all) => {
      const { bus, sent, groups } = open();
      all.forEach(([kind, length], index) => {
        bus.add(kind, event(index, "n".repeat(length)));
      });
      bus.flush();
      const kinds = groups.flatMap((group, at) => group.map(() => sent[at]));
      expect(kinds).toEqual(all.map(([kind]) => kind));
      expect(groups.flat()).toEqual(all.map((_, index) => index));
    }),
    { numRuns: 50 },
  );
});

test("a burst does not wait, and holds no more than its bound", () => {
  const { bus, sent } = open();
  for (let index = 0; index < 1_000; index++) bus.add(`${index}`, event(index));
  expect(sent.length).toBe(768);
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index}`));
});

test("what is due is sent by a flush at once, and once", () => {
  const { bus, sent } = open();
  bus.add("last", event(1));
  bus.flush();
  expect(sent).toEqual(["last"]);
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["last"]);
});

test("while the bus is away events stay in the log alone", () => {
  const { bus, sent, world } = open();
  bus.add("before", event(1));
  world.isOpen = false;
  bus.add("meanwhile", event(2));
  vi.advanceTimersByTime(10);
  world.isOpen = true;
  bus.add("after", event(3));
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["after"]);
});

test("what the bus refuses is told, and harms nobody", () => {
  const { bus, sent, failures, world } = open();
  world.isBroken = true;
  bus.add("refused", event(1));
  vi.advanceTimersByTime(10);
  expect(failures).toEqual([new Error("no room")]);
  world.isBroken = false;
  bus.add("next", event(2));
  vi.advanceTimersByTime(10);
  expect(sent).toEqual(["next"]);
});
