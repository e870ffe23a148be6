import { expect, test } from "vitest";
import { newStep } from "../../../src/actors/durable/batch.ts";
import { CommitLoop, type CommitLoopOptions } from "../../../src/actors/durable/commit-loop.ts";
import type { DurableState } from "../../../src/actors/durable/ports.ts";
import { ok } from "../../../src/errors/result.ts";

/** One whose turns come at once and whose time stands still. */
const loopOf = (given: Pick<CommitLoopOptions, "ports"> & Partial<CommitLoopOptions>) =>
  new CommitLoop({
    clock: { monotonicMs: () => 0, unixMs: () => 0, setTimer: () => () => {} },
    turns: { schedule: (turn) => void turn() },
    isCleared: true,
    build: () => ({ state: {} as DurableState, meta: { pending: false }, text: "{}" }),
    perform: ({ run }) => run(),
    unkeepable: () => {},
    refused: () => {},
    committed: () => {},
    ...given,
  });

test("a commit loop says whether it waits for the broker, and since when it does no more", async () => {
  const word = Promise.withResolvers<ReturnType<typeof ok<undefined>>>();
  let nowMs = 10;
  const loop = loopOf({
    ports: { commit: () => word.promise },
    clock: { monotonicMs: () => nowMs, unixMs: () => nowMs, setTimer: () => () => {} },
  });
  expect({ isFlying: loop.isFlying, landedAtMs: loop.landedAtMs }).toEqual({
    isFlying: false,
    landedAtMs: 0,
  });
  loop.touch();
  expect(loop.isFlying).toBe(true);
  nowMs = 700;
  word.resolve(ok(undefined));
  await new Promise((resolve) => setImmediate(resolve));
  expect({ isFlying: loop.isFlying, landedAtMs: loop.landedAtMs }).toEqual({
    isFlying: false,
    landedAtMs: 700,
  });
});

test.each([
  {
    isCleared: false,
    room: false,
    what: "commits its first steps one by one, so that one that spoils a commit can be named",
  },
  {
    isCleared: true,
    room: true,
    what: "commits its first steps together when nothing of a group is suspected",
  },
])("a commit loop $what", ({ isCleared, room }) => {
  const loop = loopOf({
    ports: { commit: () => new Promise(() => {}) },
    turns: { schedule: () => {} },
    isCleared,
  });
  expect(loop.hasRoom).toBe(true);
  loop.open.add(newStep({ type: "enter" }));
  expect(loop.hasRoom).toBe(room);
});

test("an answer that is alone in its commit is made ready while that is on its way, once it has left", async () => {
  const word = Promise.withResolvers<ReturnType<typeof ok<undefined>>>();
  const did: string[] = [];
  const later: (() => void)[] = [];
  const loop = loopOf({
    ports: { commit: () => word.promise },
    afterwards: (run) => later.push(run),
  });
  const answer = (name: string) => {
    const step = newStep({ type: name });
    const [prepare, run] = ["made ready", "given"].map((what) => () => void did.push(`${name} ${what}`));
    step.works.push({
      run: run ?? (() => {}),
      intent: undefined,
      guarded: false,
      ...(prepare && { prepare }),
    });
    loop.open.add(step);
  };
  answer("one");
  loop.touch();
  expect(did).toEqual([]);
  for (const run of later.splice(0)) run();
  expect(did).toEqual(["one made ready"]);
  answer("two");
  answer("three");
  word.resolve(ok(undefined));
  await new Promise((resolve) => setImmediate(resolve));
  for (const run of later.splice(0)) run();
  // Two in one commit share a signature afterwards.
  expect(did).toEqual(["one made ready", "one given", "two given", "three given"]);
});

test.each([
  {
    what: "says so once all that follows from a commit has been done",
    endsAt: undefined,
    done: ["a", "b"],
    told: 1,
  },
  { what: "does not when that has ended the actor", endsAt: "a", done: ["a"], told: 0 },
])("a commit loop $what", async ({ endsAt, done, told }) => {
  let performed = 0;
  const did: string[] = [];
  const loop = loopOf({
    ports: {
      commit: async () => ok(undefined),
      performed() {
        performed += 1;
      },
    },
  });
  const step = newStep({ type: "enter" });
  for (const name of ["a", "b"]) {
    const run = () => {
      did.push(name);
      if (name === endsAt) loop.stop();
    };
    step.works.push({ run, intent: undefined, guarded: false });
  }
  loop.open.add(step);
  loop.touch();
  await new Promise((resolve) => setImmediate(resolve));
  expect(did).toEqual(done);
  expect(performed).toBe(told);
});
