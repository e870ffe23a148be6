import { expect, test } from "vitest";
import { createActor } from "xstate";
import { type MachineEvent, supervisorMachine } from "../../src/supervisor/supervisor-machine.ts";
import { type Effect, initialState, type SupervisorEvent } from "../../src/supervisor/supervisor-state.ts";
import { actor, failed, supervisor } from "./virtual.ts";

const incarnation = { term: 1, activation: 1 };

test("the machine shows what the supervisor does, from its start to its giving up", () => {
  const effects: Effect[] = [];
  const machine = supervisorMachine.provide({
    actions: { perform: (_, params) => void effects.push(...params.effects) },
  });
  const spec = supervisor("g", [actor("g/x"), actor("g/y")], {
    intensity: 1,
    backoff: { initialMs: 100, maxMs: 100, factor: 1 },
  });
  const shown = createActor(machine, { input: { initial: initialState(spec) } }).start();
  const states: unknown[] = [shown.getSnapshot().value];
  const tell = (event: SupervisorEvent) => {
    const told: MachineEvent = { ...event, at: { unixMs: 0, monotonicMs: 0, random: 0.5 } };
    shown.send(told);
    states.push(shown.getSnapshot().value);
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
  expect(shown.getSnapshot().status).toBe("done");
  expect(effects.at(-1)).toMatchObject({ type: "ended", reason: { kind: "failed" } });
});
