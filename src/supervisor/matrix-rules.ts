// The words of the resurrection matrix: layers, failure classes, and what an answer to
// one combination says. The data is in matrix.ts; the supervisors, the cradle, the
// documentation and the drills all read it from there.
import type { FailureClass } from "../actors/child.ts";

/** 1 to 5: each is the smallest scope that the one before failed to heal in. */
export const layers = ["actor", "subtree", "kernel", "process", "swarm"] as const;
export type Layer = (typeof layers)[number];

export const failureClasses = [
  "crash",
  "hang",
  "poison",
  "exhaustion",
  "drift",
  "corruption",
  "loss",
  "treachery",
] as const satisfies readonly FailureClass[];

/** What each layer can do. Nothing stands here that no code carries out. */
export type LayerActions = {
  readonly actor: /** In place, from the last good snapshot. */
    | "restart-from-snapshot"
    /** In place, from the beginning: what it knew is lost. */
    | "restart-fresh"
    /** The bad snapshot is set aside; then as the actor's `onCorruption` says. */
    | "restore-previous-snapshot"
    /** The intent went to the dead letters as its actor ended; the actor goes on from its last good snapshot. */
    | "dead-letter-and-restart"
    /** It stays down as `parked`, with its reason, until it is started by hand. */
    | "park";
  readonly subtree: /** The supervisor and all below it, each actor from its last good snapshot. */
    | "restart-subtree"
    /** The same, each actor from the beginning. */
    | "restart-subtree-fresh"
    /** The supervisor stays down as `parked`, until it is started by hand. */
    | "park";
  readonly kernel: /** The node's actor system is torn down and built anew inside its process. */
    | "rebuild-kernel"
    /** The node's process ends, and layer 4 takes over. */
    | "end-process";
  readonly process: /** The node's process is ended if it still is; a warm spare takes its place, or a cold start. */
    | "replace-process"
    /** It stays down, and says which log to read. */
    | "halt";
  readonly swarm: never;
};

/** How a layer's action is bounded. */
export type Counting =
  /** By the supervisor's `intensity` within its `period`. */
  | "intensity"
  /** By a bound of its own for each child; it does not touch the intensity. */
  | { readonly restarts: number; readonly periodMs: number };

/**
 * What follows when the action fails or its bound is exceeded. `subtree`: the supervisor
 * gives up and its parent decides; `kernel`: likewise, and from the top of the tree layer 3
 * where the node's own actors are concerned, while a graph stays down with its reason;
 * `process`: the node's process ends; `park`, `halt`: it stays down, with a status and an event.
 */
export type Escalation = "subtree" | "kernel" | "process" | "park" | "halt";

export type Rule<L extends Layer> = {
  readonly kind: "rule";
  /** How it comes to notice. */
  readonly detector: string;
  readonly action: LayerActions[L];
  /** p99 from the failure (a hang: from its detection) to the first answer of the new incarnation. */
  readonly budgetMs: number;
  /** The same for an actor in a worker or a process of its own, or a subtree with such an actor. */
  readonly isolatedBudgetMs?: number;
  readonly counting: Counting;
  readonly escalation: Escalation;
  /**
   * Replaces `escalation` when an intent was in hand. What a sender can cause at will never
   * climbs above layer 2: the actor that failed is parked, and what stood around it goes on.
   */
  readonly causedBySender?: "park";
  /**
   * At layer 4, where a death is laid to the actor whose code ended the process: at so many
   * of them it is parked, so that who sends to it never uses up the bound of the process.
   */
  readonly parkedAfter?: ParkedAfter;
};

export type ParkedAfter = {
  readonly deaths: number;
  readonly periodMs: number;
  /** Once so many within a minute were laid to actors, each further one parks its actor at once. */
  readonly atOnceBeyond: number;
};

export type NotApplicable = {
  readonly kind: "notApplicable";
  readonly reason: string;
  /** It will have a rule; nothing answers for it yet. */
  readonly planned?: true;
};

export type Answer<L extends Layer> = Rule<L> | NotApplicable;

/** A combination without an answer does not compile. */
export type ResurrectionMatrix = {
  readonly [L in Layer]: { readonly [C in FailureClass]: Answer<L> };
};

/** Number of a layer, as `--layer` takes it. */
export const layerNumber = (layer: Layer): number => layers.indexOf(layer) + 1;
