import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTurnScheduler, type Turn } from "../../src/actors/turn.ts";

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});
afterEach(() => void vi.restoreAllMocks());

/** A scheduler whose event loop a test turns by hand. */
function bench() {
  const soon: (() => void)[] = [];
  const later: (() => void)[] = [];
  const scheduler = createTurnScheduler({ soon: (run) => soon.push(run), later: (run) => later.push(run) });
  const runAll = (queue: (() => void)[]): void => {
    for (const run of queue.splice(0)) run();
  };
  return { scheduler, microtasks: () => runAll(soon), loop: () => runAll(later), waiting: soon };
}

test("actors take turns in the order in which they had work", () => {
  const { scheduler, microtasks } = bench();
  const seen: string[] = [];
  const turns = (name: string, times: number): Turn => {
    let left = times;
    return () => {
      seen.push(name);
      left -= 1;
      return left > 0;
    };
  };
  scheduler.schedule(turns("a", 3));
  scheduler.schedule(turns("b", 1));
  scheduler.schedule(turns("c", 2));
  expect(seen).toEqual([]);
  microtasks();
  expect(seen.join("")).toBe("abcaca");
});

test("an actor that always has work lets the event loop go on, and the others", () => {
  const { scheduler, microtasks, loop, waiting } = bench();
  let busy = 0;
  let other = 0;
  scheduler.schedule(() => {
    busy += 1;
    return true;
  });
  microtasks();
  const first = busy;
  expect(first).toBeGreaterThan(1);
  scheduler.schedule(() => {
    other += 1;
    return false;
  });
  expect(waiting).toEqual([]);
  expect(busy).toBe(first);
  loop();
  expect(other).toBe(1);
  expect(busy).toBeGreaterThan(first);
});

test("two actors that wake each other for ever do not hold the event loop", () => {
  const { scheduler, microtasks, loop } = bench();
  let rounds = 0;
  const bounce: Turn = () => {
    rounds += 1;
    scheduler.schedule(bounce);
    return false;
  };
  scheduler.schedule(bounce);
  for (let turn = 0; turn < 1000; turn++) microtasks();
  const inOneLoop = rounds;
  expect(inOneLoop).toBeLessThanOrEqual(64);
  loop();
  expect(rounds).toBeGreaterThan(inOneLoop);
});

test("after turns that took long the event loop has its turn, though few were taken", () => {
  const { scheduler, microtasks, loop } = bench();
  let taken = 0;
  scheduler.schedule(() => {
    taken += 1;
    nowMs += 1.5;
    return true;
  });
  microtasks();
  expect(taken).toBe(2);
  loop();
  expect(taken).toBe(4);
});
