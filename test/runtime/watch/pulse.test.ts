import { afterEach, expect, test } from "vitest";
import { longWork, markProgress, setInHandMark, withMark } from "../../../src/actors/in-hand.ts";
import { Pulse } from "../../../src/runtime/watch/pulse.ts";

afterEach(() => setInHandMark(undefined));

test("another thread sees the beats, and what is in hand while it is", () => {
  const main = new Pulse();
  const watcher = new Pulse(main.buffer);
  setInHandMark(main);
  expect([watcher.beats(), watcher.inHand()]).toEqual([0, undefined]);
  main.beat();
  const seen = withMark("support/triage", "ab12", () => {
    const outer = watcher.inHand();
    // What runs within an actor's code is that actor's.
    withMark("support/other", "", () => expect(watcher.inHand()).toEqual(outer));
    return watcher.inHand();
  });
  expect(seen).toEqual({ actor: "support/triage", intent: "ab12" });
  expect([watcher.beats(), watcher.inHand()]).toEqual([1, undefined]);
});

test("the mark is gone after a throw, and a path that is too long is cut", () => {
  const pulse = new Pulse();
  setInHandMark(pulse);
  expect(() =>
    withMark("x".repeat(1_000), "y".repeat(1_000), () => {
      expect(pulse.inHand()).toEqual({ actor: "x".repeat(288), intent: "y".repeat(64) });
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(pulse.inHand()).toBeUndefined();
});

test("progress within a turn beats, but not before the first beat: until then nobody watches", () => {
  const pulse = new Pulse();
  setInHandMark(pulse);
  markProgress();
  expect(pulse.beats()).toBe(0);
  pulse.beat();
  markProgress();
  expect(pulse.beats()).toBe(2);
  setInHandMark(undefined);
  markProgress();
  expect(pulse.beats()).toBe(2);
});

test("a long piece of the kernel's own work has a name of its own, until it ends or throws", () => {
  const main = new Pulse();
  const watcher = new Pulse(main.buffer);
  setInHandMark(main);
  expect(watcher.long()).toBeUndefined();
  const first = longWork(() => watcher.long());
  const fail = () =>
    longWork(() => {
      throw new Error("no");
    });
  expect(fail).toThrow("no");
  expect(watcher.long()).toBeUndefined();
  const second = longWork(() => watcher.long());
  expect(first).toBeTypeOf("number");
  expect(second).not.toBe(first);
  setInHandMark(undefined);
  expect(longWork(() => watcher.long())).toBeUndefined();
});

test("a long piece within another is a part of it", () => {
  const main = new Pulse();
  const watcher = new Pulse(main.buffer);
  setInHandMark(main);
  const seen = longWork(() => [watcher.long(), longWork(() => watcher.long()), watcher.long()]);
  expect(seen[0]).toBeTypeOf("number");
  expect(new Set(seen).size).toBe(1);
  expect(watcher.long()).toBeUndefined();
  setInHandMark(undefined);
});
