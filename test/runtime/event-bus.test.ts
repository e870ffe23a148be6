// What a node's events cost the bus, and that none is lost or reordered on the way.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventBus } from "../../src/runtime/event-bus.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const event = (index: number): Uint8Array => new Uint8Array([index % 256]);

function open() {
  const sent: string[] = [];
  const failures: unknown[] = [];
  const world = { isOpen: true, isBroken: false };
  const bus = new EventBus({
    isOpen: () => world.isOpen,
    publish: (subject) => {
      if (world.isBroken) throw new Error("no room");
      sent.push(subject);
    },
    onFailure: (error) => failures.push(error),
  });
  return { bus, sent, failures, world };
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
