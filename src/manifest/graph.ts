// The validated graph: what a manifest means once every name is resolved, every
// default filled in and every duration and size a number. Plain JSON.
import type { ToolsSpec } from "./tools.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type RestartType = "permanent" | "transient" | "temporary";
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "simple_one_for_one";
/** Whether a supervisor ends itself when significant children have ended by themselves (EEP 56). */
export type AutoShutdown = "never" | "any_significant" | "all_significant";
export type Isolation = "shared" | "worker" | "process";
export type WhenFull = "refuse" | "drop_oldest" | "block";
/** What follows when a snapshot's hash does not match: the one before it, a fresh start, or none. */
export type OnCorruption = "previous" | "fresh" | "park";
/** Whether an actor may run where the platform lacks a part of the isolation that it asks for. */
export type Sandbox = "required" | "best_effort";
/** Of a worker or process: resident or heap bytes, and processors (1 is one core). */
export type Limits = { readonly memoryBytes?: number; readonly cpu?: number };

export const DEFAULT_PROGRESS_MS = 30_000;
export const DEFAULT_POISON_DEATHS = 2;
export const DEFAULT_ON_CORRUPTION: OnCorruption = "previous";

/** `shutdown: infinity` in milliseconds: no time is too long. */
export const INFINITE_MS = Number.MAX_SAFE_INTEGER;

/** Delay before restart k (from 0): min(maxMs, initialMs * factor^k), with full jitter. initialMs 0: none. */
export type Backoff = { readonly initialMs: number; readonly maxMs: number; readonly factor: number };

/** Patterns: `*` stands for one token, a last `**` for one or more. */
export type GrantSpec = { readonly intents: readonly string[]; readonly targets: readonly string[] };

export type Placement = { readonly node?: string };

export type SupervisorSpec = {
  readonly kind: "supervisor";
  /** Tokens of [a-z0-9-] joined by '/', at most 8. */
  readonly path: string;
  readonly strategy: Strategy;
  /** Restarts allowed within the period; one more and the supervisor gives up. */
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: Backoff;
  readonly restart: RestartType;
  readonly children: readonly ChildSpec[];
  /** Default "never". */
  readonly autoShutdown?: AutoShutdown;
  /** Whether its own end counts for its parent's `autoShutdown`. Default false. */
  readonly significant?: boolean;
  /** What each child is made from, under `simple_one_for_one`; `path` is the supervisor's own. */
  readonly template?: ActorSpec;
};

export type IntentRule = {
  /** JSON Schema of the payload beside the behaviour's own. */
  readonly payload?: Json;
  /** Price of each under a token that limits cost, in millionths of the cell's unit; absent: none is stated. */
  readonly costMicro?: number;
};

export type ActorSpec = {
  readonly kind: "actor";
  readonly path: string;
  /** Absolute path of the module's file, and the name of the export. */
  readonly behaviour: { readonly module: string; readonly export: string };
  readonly input: Json;
  readonly restart: RestartType;
  /** 0: killed at once, Erlang's brutal_kill; INFINITE_MS: never killed. */
  readonly shutdownMs: number;
  /** Before its own restart; absent: its supervisor's. */
  readonly backoff?: Backoff;
  readonly isolation: Isolation;
  readonly durable: boolean;
  readonly mailbox: { readonly bound: number; readonly whenFull: WhenFull };
  /** Intents accepted; empty: all that the behaviour declares. */
  readonly intents: Readonly<Record<string, IntentRule>>;
  readonly grants: readonly GrantSpec[];
  readonly placement: Placement;
  /** What it may do to the world through the kernel's tools; absent: nothing. */
  readonly tools?: ToolsSpec;
  readonly limits?: Limits;
  /** Longest time without progress while work is in hand; default 30,000. */
  readonly progressMs?: number;
  /** How many deaths by one intent make it poison; default 2. */
  readonly poisonDeaths?: number;
  /** Default "previous". */
  readonly onCorruption?: OnCorruption;
  /** Default "best_effort". */
  readonly sandbox?: Sandbox;
  /** Of a durable actor: idle time after which it leaves memory; default 60,000. */
  readonly passivateAfterMs?: number;
  /** Of a durable actor: it runs only where a power loss takes nothing that was acknowledged. */
  readonly sync?: "always";
  /** Default false. */
  readonly significant?: boolean;
};

export type ChildSpec = SupervisorSpec | ActorSpec;

/** What a graph grants to a client by its name; `graph` is the metadata.name of the document that says so. */
export type ClientSpec = {
  readonly graph: string;
  readonly name: string;
  readonly grants: readonly GrantSpec[];
};

export type Graph = {
  /** One a document, in order; `path` is its metadata.name. */
  readonly roots: readonly SupervisorSpec[];
  readonly clients: readonly ClientSpec[];
};

/** Where and from which code an actor runs; recorded when a revision is made. */
export type Placed = {
  readonly shard: number;
  readonly node: string;
  /** SHA-256 of the behaviour's module and what it imports, hex. */
  readonly codeHash: string;
};

export type PlacedGraph = Graph & {
  readonly placed: Readonly<Record<string, Placed>>;
  /** Of what is granted, by holder; absent: minted in epoch 0, once. Also of some that are not there any more. */
  readonly capabilities?: Readonly<Record<string, Minting>>;
};

/** When what is granted to somebody was minted, and whether it counts. */
export type Minting = {
  /** Of the graph's scope. */
  readonly epoch: number;
  /** Granted again so many times. */
  readonly generation: number;
  readonly revoked?: true;
};
