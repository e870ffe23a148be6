// A crash inside a crash: a supervisor that is killed in the middle of its own group restart.
// Whoever takes over finds nobody left running from it, starts each child once, and each
// child goes on from the state that it was left in.
import { describe, expect, test } from "vitest";
import { startTree, type Tree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, type FakeChild, type Script, settled, supervisor, World } from "./virtual.ts";

const MEMBERS = ["g/inner/a", "g/inner/b", "g/inner/c"];
const ALL = [...MEMBERS, "g/y"];
const LONG_MS = 20_000;

/** A world that knows all children that ever were. */
class Watched extends World {
  readonly all: FakeChild[] = [];

  constructor() {
    super();
    const start = this.ports.startChild;
    this.ports.startChild = async (...given) => {
      const child = await start(...given);
      if (this.children.get(given[0].path) === child) this.all.push(this.child(given[0].path));
      return child;
    };
  }

  alive(): string[] {
    return this.all.flatMap(({ path, alive }) => (alive ? [path] : [])).sort();
  }
}

type Phase = {
  readonly name: string;
  readonly scripts: Readonly<Record<string, Script>>;
  /** Of the group, right before the kill. */
  readonly alive: readonly string[];
};
const secondHangs: Script = { start: (attempt) => (attempt === 2 ? "hang" : "ok") };
const phases: readonly Phase[] = [
  {
    name: "while it stops those that go with the one that crashed",
    scripts: { "g/inner/c": { stop: "ignores-stop" } },
    alive: ["g/inner/a", "g/inner/c"],
  },
  {
    name: "while it kills one that does not stop",
    scripts: { "g/inner/c": { stop: "ignores-kill" } },
    alive: ["g/inner/a", "g/inner/c"],
  },
  {
    name: "while it starts the first of them again",
    scripts: { "g/inner/a": secondHangs },
    alive: [],
  },
  {
    name: "while it starts the last of them again",
    scripts: { "g/inner/c": secondHangs },
    alive: ["g/inner/a", "g/inner/b"],
  },
];

async function inTheMiddle({ scripts }: Phase): Promise<{ world: Watched; tree: Tree }> {
  const world = new Watched();
  for (const [path, script] of Object.entries(scripts)) world.scripts.set(path, script);
  const inner = supervisor(
    "g/inner",
    MEMBERS.map((path) => actor(path)),
    {
      strategy: "one_for_all",
      intensity: 5,
    },
  );
  const roots = [supervisor("g", [inner, actor("g/y")], { strategy: "one_for_all", intensity: 5 })];
  const tree = await startTree({ roots, ports: world.ports });
  for (const path of ALL) world.child(path).leaves({ of: path });
  await world.crash("g/inner/b");
  await settled();
  // Those that are up again go on from it.
  for (const child of world.all) if (child.alive) child.leaves({ of: child.path });
  return { world, tree };
}

describe.each(phases)("a supervisor that is killed $name", (phase) => {
  test("is in the middle of it", async () => {
    const { world, tree } = await inTheMiddle(phase);
    expect(world.alive().filter((path) => path !== "g/y")).toEqual(phase.alive);
    const stopped = tree.stop(0);
    await world.clock.advance(LONG_MS);
    await stopped;
  });

  test.each<[string, (tree: Tree, world: World) => unknown]>([
    ["by the restart of the group that it belongs to", (_, world) => world.crash("g/y")],
    ["by an operator's restart", (tree) => tree.restartChild("g/inner")],
    ["by an operator's restart of all", (tree) => tree.restartChild("g")],
  ])("%s, is followed by one that runs each child once, with its state", async (_, kill) => {
    const { world, tree } = await inTheMiddle(phase);
    world.takeLog();
    const killed = kill(tree, world);
    await world.clock.advance(LONG_MS);
    await killed;
    for (const path of ["g", "g/inner", ...ALL]) expect(nodeAt(tree, path).state, path).toBe("running");
    const stubborn = phase.scripts["g/inner/c"]?.stop === "ignores-kill" ? ["g/inner/c"] : [];
    expect(world.alive()).toEqual([...ALL, ...stubborn].sort());
    for (const path of MEMBERS) {
      const last = world.starts.findLast((start) => start.path === path);
      // One that never ended has told nobody what it knew.
      if (!stubborn.includes(path)) expect(last?.snapshot, path).toEqual({ of: path });
      const activations = world.starts
        .filter((start) => start.path === path)
        .map(({ incarnation }) => incarnation.activation);
      expect(activations, path).toEqual(activations.toSorted((a, b) => a - b));
      expect(new Set(activations).size, path).toBe(activations.length);
    }
    const ended = tree.stop(0);
    await world.clock.advance(LONG_MS);
    await ended;
  });

  test("by the end of the node, leaves nobody running and no timer", async () => {
    const { world, tree } = await inTheMiddle(phase);
    const stopped = tree.stop(0);
    await world.clock.advance(LONG_MS);
    await stopped;
    const stubborn = phase.scripts["g/inner/c"]?.stop === "ignores-kill" ? ["g/inner/c"] : [];
    expect(world.alive()).toEqual(stubborn);
    expect(world.clock.pending).toBe(0);
  });
});

test("a child that comes up after its supervisor was killed is killed, and its successor runs", async () => {
  const world = new Watched();
  const late = Promise.withResolvers<void>();
  const start = world.ports.startChild;
  let attempts = 0;
  world.ports.startChild = async (...given) => {
    // Its second start takes no notice of being called off.
    if (given[0].path === "g/inner/a" && ++attempts === 2) await late.promise;
    return await start(...given);
  };
  const inner = supervisor(
    "g/inner",
    MEMBERS.map((path) => actor(path)),
    {
      strategy: "one_for_all",
      intensity: 5,
    },
  );
  const roots = [supervisor("g", [inner, actor("g/y")], { strategy: "one_for_all", intensity: 5 })];
  const tree = await startTree({ roots, ports: world.ports });
  await world.crash("g/inner/b");
  await world.crash("g/y");
  await world.clock.advance(LONG_MS);
  late.resolve();
  await settled();
  await world.clock.advance(LONG_MS);
  expect(world.alive()).toEqual([...ALL].sort());
  for (const path of ALL) expect(nodeAt(tree, path).state, path).toBe("running");
  await tree.stop(0);
});
