import { expect, test } from "vitest";
import type { ExitReason } from "../../src/actors/child.ts";
import type { RestartType } from "../../src/manifest/graph.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

const exits: Record<string, ExitReason> = {
  normal: { kind: "normal" },
  shutdown: { kind: "shutdown" },
  killed: { kind: "killed" },
  failed: failed("g/x"),
};

const table: readonly [RestartType, keyof typeof exits, boolean][] = [
  ["permanent", "normal", true],
  ["permanent", "shutdown", true],
  ["permanent", "killed", true],
  ["permanent", "failed", true],
  ["transient", "normal", false],
  ["transient", "shutdown", false],
  ["transient", "killed", true],
  ["transient", "failed", true],
  ["temporary", "normal", false],
  ["temporary", "shutdown", false],
  ["temporary", "killed", false],
  ["temporary", "failed", false],
];

test.each(table)(
  "a %s child that exits with %s: restarted is %s; its sibling is not touched",
  async (restart, exit, restarted) => {
    const world = new World();
    const tree = await startTree({
      roots: [supervisor("g", [actor("g/x", { restart }), actor("g/y")])],
      ports: world.ports,
    });
    const reason = exits[exit] ?? { kind: "normal" };
    world.takeLog();

    world.child("g/x").exit(reason);
    await settled();

    expect(world.takeLog()).toEqual(restarted ? ["start g/x"] : []);
    const [graph] = tree.inspect().roots;
    const [x] = graph?.kind === "supervisor" ? graph.children.filter(({ path }) => path === "g/x") : [];
    if (restart === "temporary") expect(x).toBeUndefined();
    else expect(x).toMatchObject({ state: restarted ? "running" : "finished", restarts: restarted ? 1 : 0 });
    expect(world.starts.filter(({ path }) => path === "g/y")).toHaveLength(1);
    await tree.stop(1_000);
  },
);
