// What chaos does and when: drawn from the seed alone, so that the same seed kills the same
// things in the same order. Pure.
import type { ProcessName } from "../../src/drill/ports.ts";

/** Of one actor, of a group, of the kernel, and of processes: layers 1 to 4. */
export const LAYERS = {
  actor: ["throw", "reject", "unprovoked", "hang", "grow", "kill-actor", "poison"],
  subtree: ["group"],
  kernel: ["kernel"],
  process: [
    "node",
    /** By a signal, for the cradle to find out. */
    "stop-node",
    "stop-core",
    "stop-broker",
    /** The node, and woken again: as a zombie, if it was succeeded meanwhile. */
    "pause-node",
    /** The node again, while it restores. */
    "node-twice",
    "core",
    "broker",
    "broker-and-node",
    /** The broker, while the node commits what the last burst brought. */
    "broker-then-node",
    "cradle",
  ],
} as const;

export type KillKind = (typeof LAYERS)[keyof typeof LAYERS][number];

export type Kill = {
  readonly kind: KillKind;
  /** Pause before it, ms. */
  readonly afterMs: number;
  /** Which actor, of those that the kind can mean. */
  readonly actor: number;
  /** Of two kills in one: how long after the first the second follows; of a pause: how long, ms. */
  readonly gapMs: number;
};

/** How often each kind is drawn. */
export type Weights = Readonly<Partial<Record<KillKind, number>>>;

/** Actors die all the time, processes now and then: the cell's own bounds on deaths are not what is tested. */
export const EVERYTHING: Weights = {
  throw: 180,
  reject: 60,
  unprovoked: 90,
  hang: 8,
  grow: 6,
  "kill-actor": 24,
  poison: 6,
  group: 30,
  kernel: 6,
  node: 5,
  "stop-node": 1,
  "stop-core": 1,
  "stop-broker": 1,
  "pause-node": 1,
  "node-twice": 2,
  core: 3,
  broker: 3,
  "broker-and-node": 3,
  "broker-then-node": 2,
  cradle: 1,
};

/** Without durable actors: nothing that ends the node's process, and no isolated ones. */
export const VOLATILE: Weights = { throw: 60, unprovoked: 30, core: 2, broker: 2 };

const MAX_AFTER_MS = 120;
const MAX_GAP_MS = 400;
const MAX_ACTORS = 2 ** 16;

/** Endless. */
export function* kills(random: () => number, weights: Weights): Generator<Kill, never> {
  const kinds = Object.values(LAYERS)
    .flat()
    .flatMap((kind) => Array.from({ length: weights[kind] ?? 0 }, () => kind));
  for (;;) {
    yield {
      kind: kinds[Math.floor(random() * kinds.length)] ?? "throw",
      afterMs: Math.floor(random() * MAX_AFTER_MS),
      actor: Math.floor(random() * MAX_ACTORS),
      gapMs: Math.floor(random() * MAX_GAP_MS),
    };
  }
}

const DEATHS: Readonly<Partial<Record<KillKind, readonly ProcessName[]>>> = {
  node: ["node"],
  "stop-node": ["node"],
  "stop-core": ["core"],
  "stop-broker": ["broker"],
  "pause-node": ["node"],
  "node-twice": ["node", "node"],
  core: ["core"],
  broker: ["broker"],
  "broker-and-node": ["broker", "node"],
  "broker-then-node": ["broker", "node"],
};

/** Processes that one kill of the kind ends, each as often as it does. */
export const deathsOf = (kind: KillKind): readonly ProcessName[] => DEATHS[kind] ?? [];
