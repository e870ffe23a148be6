import fc from "fast-check";
import { expect, test } from "vitest";
import type { ExitReason } from "../../src/actors/child.ts";
import type { RestartType } from "../../src/manifest/graph.ts";
import { childAt, entriesOf, tableOf, withChild } from "../../src/supervisor/child-table.ts";
import { decide } from "../../src/supervisor/decide.ts";
import {
  type Effect,
  initialState,
  type Moment,
  type SupervisorEvent,
  type SupervisorState,
} from "../../src/supervisor/supervisor-state.ts";
import { actor, failed, supervisor } from "./virtual.ts";

const at = (monotonicMs: number, random = 0): Moment => ({ unixMs: monotonicMs, monotonicMs, random });
const incarnation = { term: 1, activation: 1 };

/** A supervisor decided upon step by step, its children starting as soon as they are asked to. */
class Table {
  state: SupervisorState;
  readonly effects: Effect[] = [];
  constructor(state: SupervisorState) {
    this.state = state;
  }

  tell(event: SupervisorEvent, now: Moment): readonly Effect[] {
    const { state, effects } = decide(this.state, event, now);
    this.state = state;
    this.effects.push(...effects);
    return effects;
  }

  /** Lets every start succeed at once. */
  settle(effects: readonly Effect[], now: Moment): void {
    for (const effect of effects) {
      if (effect.type !== "startChild") continue;
      const { path } = effect.spec;
      this.settle(this.tell({ type: "child.started", path, run: effect.run, incarnation }, now), now);
    }
  }

  child(path: string) {
    for (const [key, status] of entriesOf(this.state.children)) if (key === path) return status;
    throw new Error(`no child ${path}`);
  }
}

const exitReason = fc.constantFrom<ExitReason>(
  { kind: "normal" },
  { kind: "shutdown" },
  { kind: "killed" },
  failed("g/x"),
);
const restartType = fc.constantFrom<RestartType>("permanent", "transient", "temporary");

test("whatever exits when, never more than `intensity` restarts start within a period", () => {
  const scenario = fc.record({
    intensity: fc.integer({ min: 0, max: 4 }),
    periodMs: fc.integer({ min: 1, max: 2_000 }),
    initialMs: fc.integer({ min: 0, max: 3_000 }),
    types: fc.array(restartType, { minLength: 1, maxLength: 4 }),
    exits: fc.array(
      fc.record({
        child: fc.nat(3),
        gapMs: fc.integer({ min: 0, max: 1_500 }),
        reason: exitReason,
        random: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
      { maxLength: 40 },
    ),
  });
  fc.assert(
    fc.property(scenario, ({ intensity, periodMs, initialMs, types, exits }) => {
      const children = types.map((restart, i) => actor(`g/${i}`, { restart }));
      const backoff = { initialMs, maxMs: 60_000, factor: 2 };
      const table = new Table(initialState(supervisor("g", children, { intensity, periodMs, backoff })));
      table.settle(table.tell({ type: "supervisor.start" }, at(0)), at(0));
      const restartedAtMs: number[] = [];
      const timers: { atMs: number; path: string; run: number }[] = [];
      const note = (effects: readonly Effect[], now: Moment) => {
        for (const effect of effects) {
          if (effect.type === "startChild") restartedAtMs.push(now.monotonicMs);
          if (effect.type === "schedule" && effect.timer === "restart") {
            timers.push({ atMs: now.monotonicMs + effect.delayMs, path: effect.path, run: effect.run });
          }
        }
        table.settle(effects, now);
      };
      let nowMs = 0;
      for (const { child, gapMs, reason, random } of exits) {
        nowMs += gapMs;
        for (const due of timers.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)) {
          timers.splice(timers.indexOf(due), 1);
          const { path, run } = due;
          note(table.tell({ type: "timer.fired", timer: "restart", path, run }, at(due.atMs)), at(due.atMs));
        }
        const status = childAt(table.state.children, child % types.length);
        if (status?.phase !== "running") continue;
        const now = at(nowMs, random);
        note(table.tell({ type: "child.exited", path: status.spec.path, run: status.run, reason }, now), now);
      }
      for (const from of restartedAtMs) {
        const within = restartedAtMs.filter((ms) => ms >= from && ms <= from + periodMs);
        expect(within.length).toBeLessThanOrEqual(intensity);
      }
      for (const [, { spec, restarts }] of entriesOf(table.state.children)) {
        if (spec.restart === "temporary") expect(restarts).toBe(0);
      }
    }),
  );
});

test("a child that crashes at once every time meets the limit, however long its backoff", () => {
  const settings = fc.record({
    intensity: fc.integer({ min: 1, max: 8 }),
    initialMs: fc.integer({ min: 1, max: 100_000 }),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(settings, ({ intensity, initialMs, random }) => {
      const backoff = { initialMs, maxMs: 10_000_000, factor: 3 };
      const spec = supervisor("g", [actor("g/x")], { intensity, periodMs: 5_000, backoff });
      const table = new Table(initialState(spec));
      table.settle(table.tell({ type: "supervisor.start" }, at(0)), at(0));
      let nowMs = 0;
      let restarts = 0;
      while (table.state.phase === "running" && restarts <= intensity + 1) {
        const { run } = table.child("g/x");
        const effects = table.tell(
          { type: "child.exited", path: "g/x", run, reason: failed("g/x") },
          at(nowMs, random),
        );
        table.settle(effects, at(nowMs));
        const timer = effects.find((effect) => effect.type === "schedule" && effect.timer === "restart");
        if (timer?.type === "schedule") {
          nowMs += timer.delayMs;
          const { path } = timer;
          table.settle(
            table.tell({ type: "timer.fired", timer: "restart", path, run: timer.run }, at(nowMs)),
            at(nowMs),
          );
        }
        if (table.state.phase === "running") restarts++;
      }
      expect(restarts).toBe(intensity);
      expect(table.state.phase).toBe("gaveUp");
    }),
  );
});

test("news of an older run changes nothing", () => {
  const table = new Table(initialState(supervisor("g", [actor("g/x")], { intensity: 5 })));
  table.settle(table.tell({ type: "supervisor.start" }, at(0)), at(0));
  const { run } = table.child("g/x");
  table.settle(table.tell({ type: "child.exited", path: "g/x", run, reason: failed("g/x") }, at(1)), at(1));
  const before = table.state;
  expect(table.tell({ type: "child.exited", path: "g/x", run, reason: failed("g/x") }, at(2))).toEqual([]);
  expect(table.tell({ type: "timer.fired", timer: "restart", path: "g/x", run }, at(2))).toEqual([]);
  expect(table.state).toEqual(before);
});

test("starting and stopping 10,000 children asks for a number of effects in proportion", () => {
  const effectsFor = (count: number): number => {
    const children = Array.from({ length: count }, (_, i) => actor(`g/${i}`));
    let state = initialState(supervisor("g", children));
    let effects = 0;
    let starts = 0;
    const stopped: string[] = [];
    const queue: SupervisorEvent[] = [{ type: "supervisor.start" }];
    const feed = () => {
      for (let event = queue.pop(); event !== undefined; event = queue.pop()) {
        const decision = decide(state, event, at(0));
        state = decision.state;
        effects += decision.effects.length;
        for (const effect of decision.effects) {
          if (effect.type === "startChild") {
            starts++;
            queue.push({ type: "child.started", path: effect.spec.path, run: effect.run, incarnation });
          }
          if (effect.type === "stopChild") {
            stopped.push(effect.path);
            const { path, run } = effect;
            queue.push({ type: "child.exited", path, run, reason: { kind: "shutdown" } });
          }
        }
      }
    };
    feed();
    expect(starts).toBe(count);
    queue.push({ type: "supervisor.stop", graceMs: Number.POSITIVE_INFINITY, reason: { kind: "shutdown" } });
    feed();
    expect(state.phase).toBe("stopped");
    expect(stopped).toEqual(children.map(({ path }) => path).reverse());
    return effects;
  };
  const [small, large] = [effectsFor(1_000), effectsFor(10_000)];
  expect(large / small).toBeCloseTo(10, 1);
  expect(large / 10_000).toBeLessThan(12);
});

test("the table of children is persistent, ordered and holds each path once", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), fc.nat(), (paths, pick) => {
      const table = tableOf(paths.map((path) => [path, 0] as const));
      expect([...entriesOf(table)].map(([path]) => path)).toEqual(paths);
      const chosen = paths[pick % Math.max(1, paths.length)];
      if (chosen === undefined) return;
      const changed = withChild(table, chosen, 1);
      expect([...entriesOf(changed)].filter(([, value]) => value === 1)).toEqual([[chosen, 1]]);
      expect([...entriesOf(table)].every(([, value]) => value === 0)).toBe(true);
      expect(() => tableOf([...paths, chosen].map((path) => [path, 0] as const))).toThrow(RangeError);
    }),
  );
});
