// What chaos does and when: drawn from the seed alone, so that the same seed kills the same
// things in the same order. Pure.

export type KillKind =
  | "throw"
  | "unprovoked"
  | "group"
  | "kernel"
  | "node"
  | "core"
  | "broker"
  | "broker-and-node"
  | "pause-node"
  /** The node again, while it restores. */
  | "node-twice"
  /** The broker, while the node commits what the last burst brought. */
  | "broker-then-node"
  | "cradle";

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
  throw: 60,
  unprovoked: 25,
  group: 6,
  kernel: 3,
  node: 4,
  core: 2,
  broker: 2,
  "broker-and-node": 2,
  "pause-node": 2,
  "node-twice": 2,
  "broker-then-node": 1,
  cradle: 1,
};

const MAX_AFTER_MS = 250;
const MAX_GAP_MS = 400;

/** Endless. @param actors number of actors that a kill may mean */
export function* kills(random: () => number, weights: Weights, actors: number): Generator<Kill, never> {
  const kinds = Object.entries(weights).flatMap(([kind, weight]) =>
    Array.from({ length: weight ?? 0 }, () => kind as KillKind),
  );
  for (;;) {
    yield {
      kind: kinds[Math.floor(random() * kinds.length)] ?? "throw",
      afterMs: Math.floor(random() * MAX_AFTER_MS),
      actor: Math.floor(random() * actors),
      gapMs: Math.floor(random() * MAX_GAP_MS),
    };
  }
}

/** Processes that one kill of the kind ends. */
export const deathsOf = (kind: KillKind): number =>
  ({
    node: 1,
    core: 1,
    broker: 1,
    "broker-and-node": 2,
    "pause-node": 1,
    "node-twice": 2,
    "broker-then-node": 2,
  })[kind as string] ?? 0;
