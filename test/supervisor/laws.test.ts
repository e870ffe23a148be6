// Laws of `decide` under every strategy: children that start, fail, hang, end and are
// steered in any order, against a small world that does what the effects ask for.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ExitReason } from "../../src/actors/child.ts";
import type { ActorSpec, RestartType, Strategy } from "../../src/manifest/graph.ts";
import { recounted } from "../../src/supervisor/child-counts.ts";
import { entriesOf, positionOf } from "../../src/supervisor/child-table.ts";
import { decide } from "../../src/supervisor/decide.ts";
import {
  type ChildStatus,
  type Effect,
  initialState,
  type SupervisorEvent,
  type SupervisorState,
} from "../../src/supervisor/supervisor-state.ts";
import { actor, failed, intentInHand, supervisor } from "./virtual.ts";

const INTENSITY = 2;
const PERIOD_MS = 1_000;

type Run = { readonly path: string; phase: "starting" | "up" | "gone"; stopping: boolean };

/** Does what a supervisor asks for, when it is told to, and checks what must always hold. */
class World {
  state: SupervisorState;
  nowMs = 0;
  random = 0;
  readonly runs = new Map<number, Run>();
  readonly timers = new Map<string, { atMs: number; event: SupervisorEvent }>();
  readonly settled = new Map<number, number>();
  readonly startOrder: string[] = [];
  /** Automatic restarts: when, and for whose failure. */
  readonly restarts: { readonly atMs: number; readonly path: string }[] = [];
  ended = 0;
  ops = 0;

  constructor(state: SupervisorState) {
    this.state = state;
  }

  tell(event: SupervisorEvent): readonly Effect[] {
    const at = { unixMs: this.nowMs, monotonicMs: this.nowMs, random: this.random };
    const before = this.state;
    const { state, effects } = decide(before, event, at);
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    const counted = state.window.filter((entry) => !before.window.includes(entry));
    for (const { key } of counted)
      if (!before.window.some((old) => old.key === key && old.atMs >= this.nowMs))
        this.restarts.push({ atMs: this.nowMs, path: key });
    this.#check();
    return effects;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "startChild": {
        const { path } = effect.spec;
        const others = [...this.runs.values()].filter((run) => run.path === path && run.phase !== "gone");
        expect(others, `two runs of ${path} at once`).toEqual([]);
        this.runs.set(effect.run, { path, phase: "starting", stopping: false });
        this.startOrder.push(path);
        return;
      }
      case "stopChild":
      case "killChild": {
        const run = this.runs.get(effect.run);
        if (run !== undefined) run.stopping = true;
        return;
      }
      case "abandonChild":
        this.runs.delete(effect.run);
        return;
      case "schedule": {
        const { timer, path, run, delayMs } = effect;
        const event = { type: "timer.fired", timer, path, run } as const;
        this.timers.set(`${timer} ${path}`, { atMs: this.nowMs + delayMs, event });
        return;
      }
      case "cancel":
        this.timers.delete(`${effect.timer} ${effect.path}`);
        return;
      case "settle":
        this.settled.set(effect.op, (this.settled.get(effect.op) ?? 0) + 1);
        return;
      case "ended":
        this.ended += 1;
        return;
      default:
    }
  }

  #check(): void {
    const statuses = [...entriesOf(this.state.children)];
    const zero = { active: 0, waiting: 0, significant: 0 };
    const counts = statuses.reduce((sum, [, status]) => recounted(sum, undefined, status), zero);
    expect(this.state.counts).toEqual(counts);
    for (const [path, status] of statuses) this.#checkChild(path, status);
  }

  #checkChild(path: string, status: ChildStatus): void {
    const at = positionOf(this.state.children, path);
    expect(at).toBeDefined();
    if (status.phase === "backing-off") expect(this.timers.has(`restart ${path}`)).toBe(true);
    if (status.phase === "running") expect(this.runs.get(status.run)?.phase).toBe("up");
  }

  /** One run goes on: a start succeeds, fails or is ignored, a child ends, a stop is heeded. */
  step(pick: number, how: "well" | "fails" | "ignores", reason: ExitReason): void {
    const open = [...this.runs].filter(([, run]) => run.phase !== "gone");
    const [number, run] = open[pick % Math.max(1, open.length)] ?? [];
    if (number === undefined || run === undefined) return;
    const { path } = run;
    if (run.phase === "starting") {
      if (how === "well") {
        run.phase = "up";
        this.tell({ type: "child.started", path, run: number, incarnation: { term: 1, activation: number } });
        return;
      }
      run.phase = "gone";
      if (how === "ignores") this.tell({ type: "child.ignored", path, run: number });
      else {
        const { failure } = failed(path, "no start") as Extract<ExitReason, { kind: "failed" }>;
        this.tell({ type: "child.startFailed", path, run: number, failure, restoring: false });
      }
      return;
    }
    run.phase = "gone";
    this.tell({
      type: "child.exited",
      path,
      run: number,
      reason: run.stopping ? { kind: "shutdown" } : reason,
    });
  }

  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.timers]
        .filter(([, { atMs }]) => atMs <= endMs)
        .sort(([, a], [, b]) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.timers.delete(next[0]);
      this.nowMs = next[1].atMs;
      this.tell(next[1].event);
    }
    this.nowMs = endMs;
  }

  admin(what: "start" | "stop" | "restart" | "delete" | "spawn", path: string): void {
    const op = ++this.ops;
    if (what === "spawn") this.tell({ type: "admin.spawn", name: `n${op}`, input: null, op });
    else if (what === "stop") this.tell({ type: "admin.stop", path, op });
    else if (what === "delete") this.tell({ type: "admin.delete", path, op, stop: true });
    else this.tell({ type: `admin.${what}`, path, op, fresh: false });
  }

  /** Until nothing more happens by itself. */
  drain(): void {
    for (let step = 0; step < 200; step++) {
      const isBusy = [...this.runs.values()].some((run) => run.phase === "starting" || run.stopping);
      const before = this.runs.size;
      for (const [at, run] of [...this.runs.values()].entries())
        if (run.phase === "starting" || (run.stopping && run.phase === "up")) {
          const open = [...this.runs.values()].filter(({ phase }) => phase !== "gone").indexOf(run);
          if (at >= 0 && open >= 0) this.step(open, "well", { kind: "normal" });
        }
      if (!isBusy && before === this.runs.size) return;
    }
  }
}

const strategies: readonly Strategy[] = ["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"];
const exits: readonly ExitReason[] = [
  { kind: "normal" },
  { kind: "shutdown" },
  { kind: "killed" },
  failed("g/0"),
  failed("g/0", "caused", { intent: intentInHand }),
  failed("g/0", "poison", { class: "poison" }),
  failed("g/0", "corrupt", { class: "corruption" }),
];

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("step" as const),
      pick: fc.nat(20),
      how: fc.constantFrom("well" as const, "well" as const, "fails" as const, "ignores" as const),
      exit: fc.nat(exits.length - 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(1_500) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("admin" as const),
      what: fc.constantFrom(
        "start" as const,
        "stop" as const,
        "restart" as const,
        "delete" as const,
        "spawn" as const,
      ),
      child: fc.nat(4),
    }),
  },
);
const scenario = fc.record({
  strategy: fc.constantFrom(...strategies),
  initialMs: fc.constantFrom(0, 0, 200, 3_000),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  autoShutdown: fc.constantFrom("never" as const, "any_significant" as const, "all_significant" as const),
  children: fc.array(
    fc.record({
      restart: fc.constantFrom<RestartType>("permanent", "transient", "temporary"),
      significant: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  acts: fc.array(act, { maxLength: 60 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function made({ strategy, initialMs, random, autoShutdown, children }: Scenario): World {
  const isDynamic = strategy === "simple_one_for_one";
  const childOf = (path: string, { restart, significant }: Scenario["children"][number]): ActorSpec =>
    actor(path, { restart, significant: significant && restart !== "permanent" && autoShutdown !== "never" });
  const specs = children.map((child, i) => childOf(`g/${i}`, child));
  const [first] = children;
  const world = new World(
    initialState(
      supervisor("g", isDynamic ? [] : specs, {
        strategy,
        intensity: INTENSITY,
        periodMs: PERIOD_MS,
        autoShutdown,
        backoff: { initialMs, maxMs: 10_000, factor: 2 },
        ...(isDynamic && first !== undefined && { template: childOf("g", first) }),
      }),
    ),
  );
  world.random = random;
  world.tell({ type: "supervisor.start" });
  if (isDynamic) for (const _ of children) world.admin("spawn", "");
  return world;
}

function play(world: World, acts: Scenario["acts"]): void {
  for (const each of acts) {
    if (each.do === "step") world.step(each.pick, each.how, exits[each.exit] ?? { kind: "normal" });
    else if (each.do === "advance") world.advance(each.ms);
    else world.admin(each.what, `g/${each.child}`);
  }
}

test("whatever happens in whatever order: one run a child, every operation answered once, and a stop that ends", () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const world = made(given);
      play(world, given.acts);
      world.tell({
        type: "supervisor.stop",
        graceMs: Number.POSITIVE_INFINITY,
        reason: { kind: "shutdown" },
      });
      world.drain();
      world.advance(60_000);
      expect(["stopped", "gaveUp"]).toContain(world.state.phase);
      expect(world.ended).toBe(1);
      for (const [path, { phase, ops }] of entriesOf(world.state.children)) {
        expect([path, ["starting", "running", "stopping", "backing-off"].includes(phase)]).toEqual([
          path,
          false,
        ]);
        expect(ops).toEqual([]);
      }
      for (let op = 1; op <= world.ops; op++) expect([op, world.settled.get(op)]).toEqual([op, 1]);
      expect(world.timers.size).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test("left alone, every group restart and every first start comes to its end", () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const world = made(given);
      play(world, given.acts);
      for (let round = 0; round < 3; round++) {
        world.drain();
        world.advance(60_000);
      }
      expect(world.state.group).toBeUndefined();
      expect(["running", "stopped", "gaveUp"]).toContain(world.state.phase);
      for (const [path, { phase }] of entriesOf(world.state.children))
        expect([path, ["starting", "stopping", "backing-off"].includes(phase)]).toEqual([path, false]);
      for (let op = 1; op <= world.ops; op++) expect([op, world.settled.get(op)]).toEqual([op, 1]);
    }),
    { numRuns: 1_000 },
  );
});

/** Of three dynamic children one is restarted and declines, then the others fail: what left still counts. */
const restartedThenGone: Scenario = {
  strategy: "simple_one_for_one",
  initialMs: 0,
  random: 0,
  autoShutdown: "never",
  children: Array.from({ length: 3 }, () => ({ restart: "permanent", significant: false })),
  acts: ([0, 0, 0, 11, 0, 0, 0] as const).map((pick) => ({
    do: "step",
    pick,
    how: pick === 11 ? "ignores" : "well",
    exit: 0,
  })),
};

test("never more than `intensity` counted restarts begin within a period, under any strategy", () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const world = made({ ...given, initialMs: 0 });
      play(
        world,
        given.acts.filter((each) => each.do !== "admin"),
      );
      for (const { atMs } of world.restarts) {
        const within = world.restarts.filter((other) => other.atMs >= atMs && other.atMs <= atMs + PERIOD_MS);
        expect(within.length).toBeLessThanOrEqual(INTENSITY);
      }
    }),
    { numRuns: 1_000, examples: [[restartedThenGone]] },
  );
});

test("a group restart starts its members in the order of the specification, and no temporary child", () => {
  const group = fc.record({
    strategy: fc.constantFrom<Strategy>("one_for_all", "rest_for_one"),
    types: fc.array(fc.constantFrom<RestartType>("permanent", "transient", "temporary"), {
      minLength: 1,
      maxLength: 8,
    }),
    failing: fc.nat(7),
  });
  fc.assert(
    fc.property(group, ({ strategy, types, failing }) => {
      const specs = types.map((restart, i) => actor(`g/${i}`, { restart }));
      const world = new World(initialState(supervisor("g", specs, { strategy, intensity: 5 })));
      world.tell({ type: "supervisor.start" });
      world.drain();
      expect(world.startOrder.splice(0)).toEqual(specs.map(({ path }) => path));
      const at = failing % types.length;
      world.step(at, "well", failed(`g/${at}`));
      world.drain();
      const from = strategy === "rest_for_one" ? at : 0;
      const members = specs.filter(({ restart }, i) => i >= from && restart !== "temporary");
      const restarted = types[at] === "temporary" ? [] : members;
      expect(world.startOrder).toEqual(restarted.map(({ path }) => path));
      const left = [...entriesOf(world.state.children)].map(([path]) => path);
      const gone = (spec: ActorSpec, i: number): boolean =>
        spec.restart === "temporary" && (i === at || (types[at] !== "temporary" && i >= from));
      expect(left).toEqual(specs.filter((spec, i) => !gone(spec, i)).map(({ path }) => path));
    }),
    { numRuns: 500 },
  );
});

test("restarts spaced by more than the period never trip the limit, under any strategy", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...strategies.slice(0, 3)),
      fc.integer({ min: 1, max: 20 }),
      (strategy, times) => {
        const specs = [actor("g/a"), actor("g/b")];
        const flags = { strategy, intensity: 1, periodMs: PERIOD_MS };
        const world = new World(initialState(supervisor("g", specs, flags)));
        world.tell({ type: "supervisor.start" });
        world.drain();
        for (let time = 0; time < times; time++) {
          world.step(time % 2, "well", failed("g/a"));
          world.drain();
          world.advance(PERIOD_MS + 1);
        }
        expect(world.state.phase).toBe("running");
      },
    ),
  );
});
