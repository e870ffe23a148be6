import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { startActorNow } from "../../src/actors/host.ts";
import { type Progress, stalledForMs } from "../../src/actors/progress.ts";
import { testDelivery } from "../../src/actors/testkit/test-delivery.ts";
import { defineActor, type IntentEvents, intent, reply, request } from "../../src/index.ts";
import type { ActorSpec } from "../../src/manifest/graph.ts";
import { watchProgress } from "../../src/runtime/progress-watch.ts";
import { RunningActors } from "../../src/runtime/running-actors.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import { processorMsOf } from "../measure.ts";
import { actor, VirtualClock } from "../supervisor/virtual.ts";

describe("an actor stands still", () => {
  const working: Progress = {
    hasWork: true,
    steppedAtMs: 1_000,
    waitsForOthers: false,
    deadlineUnixMs: undefined,
  };
  const rows: [what: string, progress: Partial<Progress>, atMs: number, stalledMs: number | undefined][] = [
    ["not while it has no work", { hasWork: false }, 99_000, undefined],
    ["not within its bound", {}, 1_500, undefined],
    ["beyond its bound", {}, 1_501, 501],
    [
      "not while it waits for another, to its deadline",
      { waitsForOthers: true, deadlineUnixMs: 9_000 },
      9_000,
      undefined,
    ],
    [
      "after that deadline, though it waits for another",
      { waitsForOthers: true, deadlineUnixMs: 9_000 },
      9_001,
      8_001,
    ],
    ["whatever its deadline, when it waits for nobody", { deadlineUnixMs: 9_000 }, 2_000, 1_000],
    ["when it waits for another with nothing in hand", { waitsForOthers: true }, 2_000, 1_000],
  ];
  test.for(rows)("%s", ([, change, atMs, stalledMs]) => {
    expect(stalledForMs({ ...working, ...change }, 500, { monotonicMs: atMs, unixMs: atMs })).toBe(stalledMs);
  });
});

const intents = {
  park: intent({ reply: z.number() }),
  tick: intent(),
  ask: intent({ reply: z.number() }),
};
type Events = IntentEvents<typeof intents> | { type: "got" } | { type: "lost" };
const behaviour = defineActor({
  machine: setup({ types: { events: {} as Events } }).createMachine({
    on: {
      park: {},
      tick: {},
      ask: {
        actions: request({ target: "b/c", intent: "x", onReply: "got", onError: "lost", timeoutMs: 60_000 }),
      },
      got: { actions: reply(() => 1) },
    },
  }),
  intents,
});

class World {
  readonly clock = new VirtualClock();
  readonly events: EventInput[] = [];
  readonly actors = new RunningActors({ clock: this.clock });
  readonly stop = watchProgress({
    actors: this.actors,
    clock: this.clock,
    record: (event) => void this.events.push(event),
  });
  #order = 0;

  start(path: string, change: Partial<ActorSpec> = {}) {
    const spec = actor(path, { progressMs: 5_000, ...change });
    const host = startActorNow({
      ...{ spec, behaviour, incarnation: { term: 1, activation: 1 } },
      ports: { send: () => {}, record: () => {}, clock: this.clock, random: () => 0 },
    });
    this.actors.add(spec, host);
    return host;
  }

  give(target: string, type: string): void {
    const order = ++this.#order;
    const nowUnixMs = this.clock.unixMs();
    this.actors.deliver(
      testDelivery({ type, payload: {}, target, nowUnixMs, order, timeoutMs: 40_000, respond: () => {} }),
    );
  }

  hung(): readonly (string | undefined)[] {
    return this.events.flatMap(({ kind, actor: path }) => (kind.case === "actorHung" ? [path] : []));
  }
}

test("an actor with work in hand and without a step is ended as hung, with the intent named, and no other is", async () => {
  const world = new World();
  const stuck = world.start("g/stuck");
  world.start("g/idle");
  world.give("g/stuck", "park");
  await world.clock.advance(5_000);
  expect(world.hung()).toEqual([]);
  await world.clock.advance(1_000);
  expect(world.hung()).toEqual(["g/stuck"]);
  expect(await stuck.exited).toMatchObject({
    kind: "failed",
    failure: { class: "hang", name: "ACTOR_NO_PROGRESS", intent: { type: "park" }, rootActor: "g/stuck" },
  });
  expect([...world.actors.paths()]).toEqual(["g/idle"]);
  world.stop();
});

test("every step counts as progress", async () => {
  const world = new World();
  world.start("g/x");
  world.give("g/x", "park");
  for (let n = 0; n < 5; n++) {
    await world.clock.advance(4_000);
    world.give("g/x", "tick");
  }
  expect(world.hung()).toEqual([]);
  world.stop();
});

test("an actor that waits for another may do so to the deadline of what it has in hand", async () => {
  const world = new World();
  world.start("g/x");
  world.give("g/x", "ask");
  await world.clock.advance(39_000);
  expect(world.hung()).toEqual([]);
  world.stop();
});

test("a loop that stood still blames nobody at once", async () => {
  const world = new World();
  const host = world.start("g/x");
  world.give("g/x", "park");
  await world.clock.advance(1);
  world.stop();
  let nowMs = world.clock.nowMs;
  let fire = () => {};
  const clock = {
    unixMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer: (_delayMs: number, look: () => void) => {
      fire = look;
      return () => {};
    },
  };
  const hung: EventInput[] = [];
  watchProgress({ actors: world.actors, clock, record: (event) => void hung.push(event) });
  // The look that was due after half a second comes after ten.
  nowMs += 10_000;
  fire();
  expect(hung).toEqual([]);
  nowMs += 500;
  fire();
  expect(hung).toMatchObject([{ actor: "g/x" }]);
  expect(await host.exited).toMatchObject({ kind: "failed", failure: { class: "hang" } });
});

test("ten thousand actors are looked at with one timer", async () => {
  const world = new World();
  for (let n = 0; n < 10_000; n++) world.start(`g/a${n}`);
  expect(world.clock.pending).toBe(1);
  const lookMs = (await processorMsOf(() => world.clock.advance(10_000))) / 20;
  expect(world.hung()).toEqual([]);
  expect(lookMs).toBeLessThan(100);
  world.stop();
});
