// Shapes of what the kernel's actors report, as plain JSON.
import type { ResourceLimits, TokenKindName } from "../../security/capability/token.ts";
import type { Failure, FailureClass } from "../child.ts";

export type TreeNode = {
  readonly path: string;
  readonly kind: "supervisor" | "actor";
  /** For an actor: starting, running, backing-off, stopped, gave-up; for a supervisor likewise. */
  readonly status: string;
  /** State value of the actor's machine, e.g. "idle" or "open.waiting". */
  readonly state?: string;
  readonly restarts: number;
  readonly startedAtUnixMs?: number;
  readonly mailboxDepth?: number;
  readonly mailboxBound?: number;
  readonly handled?: number;
  readonly refused?: number;
  /** Why it is not running, when it is not. */
  readonly reason?: string;
  readonly node: string;
  readonly shard?: number;
  /** Of an actor that runs: whether it is durable, and in memory. */
  readonly durable?: "no" | "awake" | "asleep";
  readonly children?: readonly TreeNode[];
};

/** With its limits. */
export type MintedRow = ResourceLimits & {
  readonly hash: string;
  /** Hex of its key, or what names an actor; the client's name, when that counts now, or the actor's path. */
  readonly holder: string;
  readonly client?: string;
  readonly actor?: string;
  readonly permissions: readonly {
    readonly intents: readonly string[];
    readonly targets: readonly string[];
    readonly where: readonly string[];
  }[];
  /** `user` reaches actors of graphs, `system` the kernel's own. */
  readonly kind: TokenKindName;
  readonly once: boolean;
  readonly depth: number;
  /** Keys, hex, of which so many are to approve it; whether they have, only the token itself says. */
  readonly approval?: { readonly needed: number; readonly approvers: readonly string[] };
  readonly scope: string;
  readonly epoch: number;
  readonly notAfterUnixMs: number;
  /** Who asked for it. */
  readonly author: string;
  /** Revoked, or of an epoch that is over. */
  readonly revoked: boolean;
};

/** What a manifest grants to one holder. */
export type GrantedRow = {
  readonly hash: string;
  readonly kind: "actor" | "client";
  /** Path of the actor, or of the supervisor whose template it is; the client's name. */
  readonly holder: string;
  readonly grants: readonly { readonly intents: readonly string[]; readonly targets: readonly string[] }[];
  /** One line a grant. */
  readonly tools: readonly string[];
  /** Name of its graph. */
  readonly scope: string;
  readonly epoch: number;
  /** Granted again so many times. */
  readonly generation: number;
  readonly revoked: boolean;
};

export type CapabilitiesReport = {
  /** By the manifests in force, the revoked ones first; of many the first 1,000. */
  readonly granted: readonly GrantedRow[];
  readonly grantedInAll: number;
  /** Of the newest 1,000 those that have not ended; the newest last. */
  readonly minted: readonly MintedRow[];
  /** Why they could not be read; then there are none here. */
  readonly unread?: string;
  /** Those that were ever raised; all others are in epoch 0. */
  readonly scopes: readonly { readonly scope: string; readonly epoch: number }[];
  readonly tokens: readonly {
    readonly hash: string;
    /** What the token says of itself; undefined: not known, the entry stays. */
    readonly terms?: { readonly scope: string; readonly epoch: number; readonly notAfterUnixMs: number };
  }[];
};

export type DeadLetterRow = {
  readonly id: string;
  readonly actor: string;
  readonly node: string;
  readonly setAsideUnixMs: number;
  readonly intent: {
    readonly id: string;
    readonly rootId: string;
    readonly type: string;
    readonly principal: string;
  };
  /** Path of the sending actor; empty for a client. */
  readonly source: string;
  readonly deaths: number;
  readonly lastDeath: { readonly class: string; readonly name: string; readonly message: string };
  readonly closed?: {
    readonly how: string;
    readonly by: string;
    readonly atUnixMs: number;
    readonly retryId: string;
  };
};

export type DeadLetterReport = Omit<DeadLetterRow, "deaths" | "lastDeath" | "closed"> & {
  readonly deadlineUnixMs: number;
  /** The capsule's bytes as received, base64; empty when they are not known any more. */
  readonly capsule: string;
  readonly contentType: string;
  /** Base64. */
  readonly payload: string;
  /** What the intent was allowed to cause, and so is its retry. */
  readonly hopLimit: number;
  /** Oldest first. */
  readonly story: readonly {
    readonly atUnixMs: number;
    readonly incarnation: { readonly term: number; readonly activation: number };
    readonly class: string;
    readonly name: string;
    readonly message: string;
    readonly stack: string;
    readonly origin: string;
  }[];
};

export type RestartRow = {
  readonly atUnixMs: number;
  /** On one line, e.g. "crash: TypeError: x is not a function"; of a sibling's failure: "with PATH: ...". */
  readonly cause: string;
  /** Absent after an end that was no failure. */
  readonly class?: FailureClass;
  /** Its own failure; absent when it was restarted for another's. */
  readonly failure?: Failure;
  /** From the failure until it ran again. */
  readonly elapsedUs?: number;
  /** Of that, time waited on purpose. */
  readonly backoffMs?: number;
};

/** What is kept of a durable actor. */
export type KeptReport = {
  /** Number of its newest commit; 0: there is none. */
  readonly commit: number;
  /** Of that commit. */
  readonly incarnation?: { readonly term: number; readonly activation: number };
  /** Highest place in its shard's journal that is applied, by priority; absent: it cannot be read. */
  readonly applied?: Readonly<Record<"critical" | "high" | "normal" | "low", number>>;
  /** UTF-8 bytes of its state with outbox and answers. */
  readonly stateBytes: number;
  /** Intents accepted and not applied. */
  readonly waiting: number;
  /** Whether it has to be awake without a further intent: outbox, children, requests. */
  readonly pending: boolean;
  /** When its first timer is due. */
  readonly wakeAtUnixMs?: number;
};

export type ActorReport = TreeNode & {
  readonly kept?: KeptReport;
  readonly incarnation?: { readonly term: number; readonly activation: number };
  readonly behaviour?: string;
  readonly codeHash?: string;
  /** What holds an actor that does not share the node's event loop, one line. */
  readonly bound?: string;
  /** Intent type -> JSON Schemas. */
  readonly intents?: Readonly<Record<string, { readonly payload: unknown; readonly reply?: unknown }>>;
  /** Intent type -> its price as the manifest states it, in millionths of the cell's unit of cost. */
  readonly prices?: Readonly<Record<string, number>>;
  readonly grants?: readonly { readonly intents: readonly string[]; readonly targets: readonly string[] }[];
  /** What it may do to the world, one line a grant. */
  readonly tools?: readonly string[];
  readonly spec?: unknown;
  readonly history: readonly RestartRow[];
};

export type PlanChange = {
  readonly path: string;
  readonly kind: "added" | "changed" | "removed" | "moved";
  readonly restarts: boolean;
  readonly reason: string;
  readonly fields: readonly { readonly field: string; readonly old?: unknown; readonly new?: unknown }[];
};

export type ErrorRow = {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly remedy: string;
};

/** Somebody whom a manifest grants something that was revoked. */
export type RevokedHolder = {
  readonly kind: "actor" | "client";
  readonly holder: string;
  readonly graph: string;
};

export type PlanReport = {
  readonly baseRevision: number;
  readonly changes: readonly PlanChange[];
  /** In the graphs that it names; of many the first 1,000. */
  readonly revoked: readonly RevokedHolder[];
  /** What stands against it, e.g. a behaviour that does not load; empty: it can be applied. */
  readonly problems: readonly ErrorRow[];
};

export type ApplyReport = PlanReport & {
  /** The revision in force afterwards. */
  readonly revision: number;
  readonly applied: boolean;
  /** What runs otherwise than stated, with its reason. */
  readonly unsatisfied: readonly { readonly path: string; readonly reason: string }[];
};

export type GraphReport = {
  readonly revision: number;
  /** A `PlacedGraph`. */
  readonly graph: unknown;
  readonly unsatisfied: readonly { readonly path: string; readonly reason: string }[];
};

export type RevisionRow = {
  readonly revision: number;
  readonly createdUnixMs: number;
  readonly author: string;
  readonly rollbackOf: number;
  readonly current: boolean;
  readonly actors: number;
};

export type NodeRow = {
  readonly node: string;
  /** What it owns by the certificates of all nodes. */
  readonly shards: readonly { readonly first: number; readonly last: number }[];
  readonly generation: number;
  readonly answers: boolean;
};

export type NodeStatus = {
  readonly node: string;
  readonly cell: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAtUnixMs: number;
  readonly bootMs: number;
  readonly residentBytes: number;
  readonly revision: number;
  readonly actors: number;
  /** Durable actors that are in memory; absent: a version that does not say. */
  readonly awake?: number;
  readonly broker: {
    readonly state: string;
    readonly url: string;
    readonly version?: string;
    /** "1s" or "always"; absent where another node or somebody else runs the broker. */
    readonly sync?: string;
  };
  readonly core: { readonly state: string; readonly version?: string; readonly reason?: string };
  readonly acceptingIntents: boolean;
  /** Why it lets no capability count now; absent: it does. */
  readonly capabilities?: string;
  readonly refusals: Readonly<Record<string, number>>;
};

export type PrincipalRow = {
  readonly principal: string;
  readonly kind: "issuer" | "node" | "client";
  readonly generation: number;
  /** First 16 hex digits of the key's SHA-256. */
  readonly keyFingerprint: string;
  /** The key that this one follows, and until when that one counts too. */
  readonly follows?: { readonly keyFingerprint: string; readonly preserveUntilUnixMs: number };
  readonly notAfterUnixMs: number;
  readonly revoked: boolean;
};
