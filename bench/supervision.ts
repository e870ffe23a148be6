// How long a supervisor takes from a child's exit to its replacement, with real actors in
// one process, by strategy and size; and what ten times as many children cost.
import { setup } from "xstate";
import { startActor } from "../src/actors/host.ts";
import { defineActor, intent } from "../src/index.ts";
import type { ActorSpec, Strategy, SupervisorSpec } from "../src/manifest/graph.ts";
import { systemClock, type TreePorts } from "../src/supervisor/ports.ts";
import { startTree, type Tree } from "../src/supervisor/tree.ts";
import { heading, latenciesOf, line, ms } from "./figures.ts";

const TRIALS = Number(process.env.TRIALS ?? 1_000);
const behaviour = defineActor({
  machine: setup({}).createMachine({ context: { count: 0 } }),
  intents: { look: intent({}) },
});

type Fail = (path: string) => void;

export async function run(): Promise<void> {
  heading(`exit to replacement, ${TRIALS} trials`);
  await exits("one_for_one", 100, TRIALS);
  await exits("one_for_one", 10_000, TRIALS);
  await exits("rest_for_one", 100, TRIALS / 10);
  await exits("one_for_all", 100, TRIALS / 10);
  heading("children of a dynamic supervisor: started one by one, then stopped with it");
  await sizes(100);
  const small = await sizes(1_000);
  const large = await sizes(10_000);
  line("10 times as many take", `${(large / small).toFixed(1)} times as long`);
}

/** From the exit of the first child until the last member of its group is up again. */
async function exits(strategy: Strategy, count: number, trials: number): Promise<void> {
  const children = Array.from({ length: count }, (_, at) => actor(`g/${at}`));
  const { tree, fail, up } = await treeOf(group(strategy, children));
  const samples: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const last = strategy === "one_for_one" ? "g/0" : `g/${count - 1}`;
    const isUp = up(last);
    const startedAt = performance.now();
    fail("g/0");
    await isUp;
    samples.push(performance.now() - startedAt);
  }
  const { p50Ms, p99Ms, maxMs } = latenciesOf(samples);
  line(`${strategy} of ${count}`, `p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}  max ${ms(maxMs)}`);
  await tree.stop(0);
}

async function sizes(count: number): Promise<number> {
  const template = { ...actor("g"), restart: "temporary" } as const;
  const { tree } = await treeOf({ ...group("simple_one_for_one", []), template });
  const startedAt = performance.now();
  for (let at = 0; at < count; at++) await tree.spawnChild("g", `n${at}`);
  const upMs = performance.now() - startedAt;
  await tree.stopChild("g");
  const wholeMs = performance.now() - startedAt;
  line(`${count} children`, `up in ${ms(upMs)}, down in ${ms(wholeMs - upMs)}`);
  await tree.stop(0);
  return wholeMs;
}

async function treeOf(
  root: SupervisorSpec,
): Promise<{ tree: Tree; fail: Fail; up(path: string): Promise<void> }> {
  const running = new Map<string, Fail>();
  const waiting = new Map<string, () => void>();
  const ports: TreePorts = {
    clock: systemClock,
    random: Math.random,
    record: ({ actor: path = "", kind }) => {
      if (kind.case === "actorStarted") waiting.get(path)?.();
    },
    startChild: async (spec, incarnation, snapshot) => {
      const host = await startActor({
        spec,
        behaviour,
        incarnation,
        snapshot,
        ports: { send: () => {}, record: () => {}, clock: systemClock, random: Math.random },
      });
      running.set(spec.path, () => void host.kill());
      return host;
    },
  };
  const tree = await startTree({ roots: [root], ports });
  return {
    tree,
    fail: (path) => running.get(path)?.(path),
    up: (path) => new Promise((resolve) => waiting.set(path, resolve)),
  };
}

function actor(path: string): ActorSpec {
  return {
    kind: "actor",
    path,
    behaviour: { module: "/any.ts", export: "any" },
    input: null,
    restart: "permanent",
    shutdownMs: 5_000,
    isolation: "shared",
    durable: false,
    mailbox: { bound: 100, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
  };
}

function group(strategy: Strategy, children: readonly ActorSpec[]): SupervisorSpec {
  return {
    kind: "supervisor",
    path: "g",
    strategy,
    intensity: 1_000_000,
    periodMs: 1,
    backoff: { initialMs: 0, maxMs: 0, factor: 1 },
    restart: "permanent",
    children,
  };
}
