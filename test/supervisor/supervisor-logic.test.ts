import { expect, test } from "vitest";
import { createActor } from "xstate";
import { stateName, supervisorLogic } from "../../src/supervisor/supervisor-logic.ts";
import { type Effect, initialState, type SupervisorEvent } from "../../src/supervisor/supervisor-state.ts";
import { actor, failed, supervisor } from "./virtual.ts";

const incarnation = { term: 1, activation: 1 };

test("its state shows what the supervisor does, from its start to its giving up", () => {
  const effects: Effect[] = [];
  const spec = supervisor("g", [actor("g/x"), actor("g/y")], {
    intensity: 1,
    backoff: { initialMs: 100, maxMs: 100, factor: 1 },
  });
  const shown = createActor(supervisorLogic, { input: { initial: initialState(spec) } }).start();
  const shownState = () => stateName(shown.getSnapshot().context.supervisor);
  const states: unknown[] = [shownState()];
  const tell = (event: SupervisorEvent) => {
    shown.send({ ...event, at: { unixMs: 0, monotonicMs: 0, random: 0.5 } });
    effects.push(...shown.getSnapshot().context.effects);
    states.push(shownState());
  };
  const run = (path: string) =>
    effects.reduce(
      (last, effect) => (effect.type === "startChild" && effect.spec.path === path ? effect.run : last),
      0,
    );

  tell({ type: "supervisor.start" });
  tell({ type: "child.started", path: "g/x", run: run("g/x"), incarnation });
  tell({ type: "child.started", path: "g/y", run: run("g/y"), incarnation });
  tell({ type: "child.exited", path: "g/x", run: run("g/x"), reason: failed("g/x") });
  tell({ type: "timer.fired", timer: "restart", path: "g/x", run: run("g/x") });
  tell({ type: "child.started", path: "g/x", run: run("g/x"), incarnation });
  tell({ type: "child.exited", path: "g/x", run: run("g/x"), reason: failed("g/x") });
  tell({ type: "child.exited", path: "g/y", run: run("g/y"), reason: { kind: "shutdown" } });

  expect(states).toEqual([
    "idle",
    "starting",
    "starting",
    "running",
    "backing-off",
    "running",
    "running",
    "stopping",
    "gaveUp",
  ]);
  expect(effects.at(-1)).toMatchObject({ type: "ended", reason: { kind: "failed" } });
});
