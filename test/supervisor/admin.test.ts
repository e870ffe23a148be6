// Erlang's supervisor functions by their names, each against a child in each condition.
import { expect, test } from "vitest";
import { findOwner } from "../../src/supervisor/find-owner.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import { type Operation, Supervisor } from "../../src/supervisor/supervisor.ts";
import { TreeMemory } from "../../src/supervisor/tree-memory.ts";
import { reportChildren } from "../../src/supervisor/which-children.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

type Condition = "running" | "terminated" | "restarting" | "finished" | "unknown";

const PATHS: Readonly<Record<Condition, string>> = {
  running: "g/running",
  terminated: "g/terminated",
  restarting: "g/restarting",
  finished: "g/finished",
  unknown: "g/none",
};

async function prepared(world: World): Promise<Supervisor> {
  world.random = 0.999;
  const children = [
    actor(PATHS.running),
    actor(PATHS.terminated),
    actor(PATHS.restarting),
    actor(PATHS.finished, { restart: "transient" }),
  ];
  const backoff = { initialMs: 60_000, maxMs: 60_000, factor: 1 };
  const spec = supervisor("g", children, { intensity: 5, backoff });
  const context = { ports: world.ports, memory: new TreeMemory(), matrix };
  const made = new Supervisor(spec, { term: 1, activation: 1 }, context);
  await made.start();
  await made.operate({ type: "admin.stop", path: PATHS.terminated });
  world.child(PATHS.restarting).exit(failed(PATHS.restarting));
  world.child(PATHS.finished).exit({ kind: "normal" });
  await settled();
  return made;
}

type Row = readonly [name: string, of: Condition, outcome: string];
const operations: Readonly<Record<string, (path: string) => Operation>> = {
  start_child: (path) => ({ type: "admin.add", spec: actor(path) }),
  terminate_child: (path) => ({ type: "admin.stop", path }),
  restart_child: (path) => ({ type: "admin.start", path, fresh: false }),
  delete_child: (path) => ({ type: "admin.delete", path, stop: false }),
};
const rows: readonly Row[] = [
  ["start_child", "running", "SUPERVISOR_ALREADY_RUNNING"],
  ["start_child", "terminated", "SUPERVISOR_ALREADY_PRESENT"],
  ["start_child", "restarting", "SUPERVISOR_ALREADY_PRESENT"],
  ["start_child", "finished", "SUPERVISOR_ALREADY_PRESENT"],
  ["start_child", "unknown", "ok"],
  ["terminate_child", "running", "ok"],
  ["terminate_child", "terminated", "ok"],
  ["terminate_child", "restarting", "ok"],
  ["terminate_child", "finished", "ok"],
  ["terminate_child", "unknown", "SUPERVISOR_NOT_FOUND"],
  ["restart_child", "running", "SUPERVISOR_ALREADY_RUNNING"],
  ["restart_child", "terminated", "ok"],
  // Erlang refuses this one; here nobody who asks for a start waits out a backoff.
  ["restart_child", "restarting", "ok"],
  ["restart_child", "finished", "ok"],
  ["restart_child", "unknown", "SUPERVISOR_NOT_FOUND"],
  ["delete_child", "running", "SUPERVISOR_ALREADY_RUNNING"],
  ["delete_child", "terminated", "ok"],
  ["delete_child", "restarting", "SUPERVISOR_CHILD_BUSY"],
  ["delete_child", "finished", "ok"],
  ["delete_child", "unknown", "SUPERVISOR_NOT_FOUND"],
];

test.each(rows)("%s of a child that is %s: %s", async (name, condition, outcome) => {
  const world = new World();
  const made = await prepared(world);
  const operation = operations[name]?.(PATHS[condition]);
  if (operation === undefined) throw new Error(name);
  const result = await made.operate(operation);
  expect(result.ok ? "ok" : result.error.code).toBe(outcome);
  await made.stop(0);
  expect(world.clock.pending).toBe(0);
});

test("which_children in start order, count_children by kind", async () => {
  const world = new World();
  const made = await prepared(world);
  const { which, count } = reportChildren(made.state);
  expect(which.map(({ path, phase }) => [path, phase])).toEqual([
    [PATHS.running, "running"],
    [PATHS.terminated, "stopped"],
    [PATHS.restarting, "backing-off"],
    [PATHS.finished, "finished"],
  ]);
  expect(count).toEqual({ specs: 4, active: 1, supervisors: 0, workers: 4 });
  await made.stop(0);
});

test("every operation on a supervisor that has ended is refused", async () => {
  const made = await prepared(new World());
  await made.stop(0);
  for (const operation of Object.values(operations)) {
    const result = await made.operate(operation(PATHS.running));
    expect(result).toMatchObject({ ok: false, error: { code: "SUPERVISOR_NOT_RUNNING" } });
  }
  expect(findOwner(made, PATHS.running).ok).toBe(true);
});

test.each([
  ["brutal_kill", 0, ["kill g/x"]],
  ["a time", 700, ["stop g/x 700"]],
  ["infinity", Number.MAX_SAFE_INTEGER, [`stop g/x ${Number.MAX_SAFE_INTEGER}`]],
])("shutdown by %s", async (_, shutdownMs, log) => {
  const world = new World();
  const context = { ports: world.ports, memory: new TreeMemory(), matrix };
  world.scripts.set("g/x", { stop: shutdownMs === 700 ? "ignores-stop" : "prompt" });
  const made = new Supervisor(
    supervisor("g", [actor("g/x", { shutdownMs })]),
    { term: 1, activation: 1 },
    context,
  );
  await made.start();
  world.takeLog();
  const stopped = made.operate({ type: "admin.stop", path: "g/x" });
  await settled();
  expect(world.takeLog()).toEqual(log);
  await world.clock.advance(shutdownMs === 700 ? 950 : 0);
  expect((await stopped).ok).toBe(true);
  expect(world.takeLog()).toEqual(shutdownMs === 700 ? ["kill g/x"] : []);
  expect(world.clock.pending).toBe(0);
  await made.stop(0);
});
