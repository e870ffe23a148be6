// The intents of the kernel's actors, as the command line and the actors share
// them. Payloads and replies are JSON; a value too large for one capsule
// travels in chunks (chunks.ts).
import { z } from "zod";
import { isActorPath, isToken } from "../../security/names.ts";
import { intent } from "../intent-definition.ts";

const path = z.string().min(1).max(512);
/** Position in a value cut by chunks.ts. */
const chunk = z.object({ chunk: z.base64(), more: z.boolean() });
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const actorPath = z
  .string()
  .refine((text) => text.includes("/") && isActorPath(text), "an actor's path has a slash");
const scope = z.string().refine(isToken, "a scope is a token of [a-z0-9-]");
/** Up to what every reader holds exactly. */
const limit = z.int().min(1);
/** Of a token: ten years. */
const MAX_TTL_MS = 10 * 365 * 86_400_000;

/** Intents of `kernel/graph`, on the node that owns shard 0. */
export const graphIntents = {
  /** Uploads a part of a gzipped graph (JSON of `Graph`); `hash` is the SHA-256 of the whole. */
  "graph.stage": intent({
    payload: z.object({
      hash,
      index: z.int().min(0).max(511),
      count: z.int().min(1).max(512),
      data: z.base64().max(48 * 1024),
    }),
    reply: z.object({ complete: z.boolean() }),
  }),
  /** What applying the staged graph would change; chunks of `PlanReport`. */
  "graph.plan": intent({ payload: z.object({ hash, prune: z.boolean().default(false) }), reply: chunk }),
  /** Applies the staged graph: replaces the graphs that it names, and with `prune` removes all others. Chunks of `ApplyReport`. */
  "graph.apply": intent({
    payload: z.object({
      hash,
      prune: z.boolean().default(false),
      /** Refuses when the cell is at another revision by now. */
      baseRevision: z.int().min(0).optional(),
    }),
    reply: chunk,
  }),
  /** Removes whole graphs by name. Chunks of `ApplyReport`. */
  "graph.delete": intent({ payload: z.object({ names: z.array(z.string()).min(1).max(64) }), reply: chunk }),
  /** Returns to a revision, as a new one. Chunks of `ApplyReport`. */
  "graph.rollback": intent({ payload: z.object({ revision: z.int().min(0) }), reply: chunk }),
  /** The graph in force, or of one revision. Chunks of `GraphReport`. */
  "graph.get": intent({ payload: z.object({ revision: z.int().min(1).optional() }), reply: chunk }),
  /** The revisions kept, newest first. Chunks of `RevisionRow[]`. */
  "graph.revisions": intent({ payload: z.object({}), reply: chunk }),
  /** Nodes of the cell by their certificates, with whether they answer. Chunks of `NodeRow[]`. */
  "graph.nodes": intent({ payload: z.object({}), reply: chunk }),
} as const;

/** Intents of `kernel/<node>/registry`. */
export const registryIntents = {
  /** The node's supervisor tree. Chunks of `TreeNode`. */
  "registry.tree": intent({ payload: z.object({}), reply: chunk }),
  /** Everything about one actor or supervisor. Chunks of `ActorReport`. */
  "registry.actor": intent({ payload: z.object({ path }), reply: chunk }),
  /** Stops an actor; it is drift and returns within a second, unless held. */
  "registry.stop": intent({
    payload: z.object({ path, hold: z.boolean().default(false) }),
    reply: z.object({ state: z.string() }),
  }),
  "registry.start": intent({ payload: z.object({ path }), reply: z.object({ state: z.string() }) }),
  /** `fresh`: it forgets what it was; of a durable actor only when it is named itself. */
  "registry.restart": intent({
    payload: z.object({ path, fresh: z.boolean().default(false) }),
    reply: z.object({ state: z.string() }),
  }),
  /** Starts a child of a dynamic supervisor (`simple_one_for_one`) from its template. */
  "child.start": intent({
    payload: z.object({
      supervisor: path,
      name: z.string().min(1).max(63),
      /** In place of the template's own. */
      input: z.json().default(null),
    }),
    reply: z.object({ path: z.string(), state: z.string() }),
  }),
  /** Stops such a child; it leaves nothing behind. */
  "child.stop": intent({
    payload: z.object({ supervisor: path, name: z.string().min(1).max(63) }),
    reply: z.object({ path: z.string() }),
  }),
  /** Tears the node's actor system down and builds it anew inside its process; answered before. */
  "node.rebuild": intent({ payload: z.object({}), reply: z.object({ state: z.string() }) }),
  /** Chunks of `NodeStatus`. */
  "node.status": intent({ payload: z.object({}), reply: chunk }),
} as const;

/** Intents of `kernel/<node>/authority`. */
export const authorityIntents = {
  /** Publishes a certificate (base64 of a SignedCertificate) to the cell. */
  "trust.add": intent({
    payload: z.object({ certificate: z.base64().max(16 * 1024) }),
    reply: z.object({ principal: z.string(), generation: z.int() }),
  }),
  /** Makes the node's next key, or names the one that was made; and the node's certificate (base64). */
  "key.prepare": intent({
    payload: z.object({}),
    reply: z.object({ next: hash, current: hash, certificate: z.base64() }),
  }),
  /** The node's key agrees to the body (base64) of the certificate of its next key, and to nothing else. */
  "key.agree": intent({
    payload: z.object({ body: z.base64().max(16 * 1024) }),
    reply: z.object({ signature: z.base64() }),
  }),
  /** Sends an intent that the next key signs to these nodes, through the broker, and verifies the answers. */
  "key.test": intent({
    payload: z.object({ nodes: z.array(z.string().max(63)).min(1).max(256) }),
    reply: z.object({ next: hash }),
  }),
  /** The node signs with its next key from now on; it has to be tested before. */
  "key.switch": intent({ payload: z.object({}), reply: z.object({ current: hash }) }),
  /** Removes the file of the key before, once that one does not count. */
  "key.remove": intent({ payload: z.object({}), reply: z.object({ removed: z.boolean() }) }),
  /** Chunks of `PrincipalRow[]`. */
  "trust.list": intent({ payload: z.object({}), reply: chunk }),
} as const;

/** To whom a manifest grants something: an actor, or a client by its name. */
const grantees = [z.strictObject({ actor: path }), z.strictObject({ client: z.string().max(63) })] as const;

/** Intents of `kernel/capabilities`, on the node that owns shard 0. */
export const capabilityIntents = {
  /**
   * Mints a root for a client's key or an actor, within a single grant of who asks. It stands by itself: when who asked is
   * withdrawn it counts on, until it is revoked.
   */
  "capability.mint": intent({
    payload: z.strictObject({
      /** Hex of the key that may use it, or the path of the actor that may. */
      holder: z.union([hash, actorPath]),
      permissions: z
        .array(
          z.strictObject({
            intents: z.array(z.string().max(512)).min(1).max(64),
            targets: z.array(z.string().max(512)).min(1).max(64),
            /** Conditions as `cell0 cap mint --where` takes them. */
            where: z.array(z.string().max(8_192)).max(64).default([]),
          }),
        )
        .min(1)
        .max(16),
      ttlMs: z.int().min(1).max(MAX_TTL_MS),
      /** How often it may be handed on. */
      depth: z.int().min(0).max(7).default(0),
      /** Only who may raise epochs chooses it (absent: "default"); of everybody else it is the own name. */
      scope: scope.optional(),
      /** It serves one intent. */
      once: z.boolean().default(false),
      /** What is used under it in all, with whatever is narrowed from it: `ResourceLimits`. */
      calls: limit.optional(),
      agents: limit.optional(),
      costMicro: limit.optional(),
      memoryBytes: limit.optional(),
      cpuMilli: limit.optional(),
      storageBytes: limit.optional(),
      /** Keys, hex, of which so many are to approve it before it counts. */
      approval: z
        .strictObject({ needed: z.int().min(1).max(8), approvers: z.array(hash).min(1).max(8) })
        .optional(),
    }),
    /** `token`: base64 of a SignedToken. */
    reply: z.object({ token: z.base64(), hash }),
  }),
  /**
   * Revokes a token and whatever was narrowed from it: base64 of its SignedToken, or its hash alone, of which
   * neither scope nor end are known, so that the entry stays for good. `already`: it was void before.
   */
  "capability.revoke": intent({
    payload: z.union([
      z.strictObject({ token: z.base64().max(12 * 1024) }),
      z.strictObject({ hash }),
      ...grantees,
    ]),
    reply: z.object({ hash, already: z.boolean() }),
  }),
  /**
   * Grants again what manifests grant and was revoked, to so many `holders`. Of a graph what was revoked with all of
   * it; `left`: so many were revoked alone, and are to be named.
   */
  "capability.regrant": intent({
    payload: z.union([...grantees, z.strictObject({ graph: scope })]),
    reply: z.object({ holders: z.int(), left: z.int(), revision: z.int() }),
  }),
  /**
   * Raises the epoch of a scope: every token of it that there is, is void, and all that a graph of that name grants,
   * to so many `holders`.
   */
  "epoch.raise": intent({
    payload: z.object({ scope }),
    reply: z.object({ scope: z.string(), epoch: z.int(), holders: z.int() }),
  }),
  /** What was minted here and has not ended, and what is revoked. Chunks of `CapabilitiesReport`. */
  "capability.list": intent({ payload: z.object({}), reply: chunk }),
} as const;

const letterId = z.string().regex(/^[0-9a-f]{32}$/);

/** Intents of `kernel/<node>/deadletters`; every node knows the letters of the whole cell. */
export const deadLetterIntents = {
  /** Open letters, newest first; of an actor and all below it; with `all` the closed ones too. Chunks of `DeadLetterRow[]`. */
  "deadletter.list": intent({
    payload: z.object({
      actor: path.optional(),
      all: z.boolean().default(false),
      limit: z.int().min(1).max(4096).default(500),
    }),
    reply: chunk,
  }),
  /** One letter whole. Chunks of `DeadLetterReport`. */
  "deadletter.show": intent({ payload: z.object({ id: letterId }), reply: chunk }),
  /** Closes it: dropped, or retried as the intent `retryId` that whoever asks has sent. Chunks of `DeadLetterRow`. */
  "deadletter.close": intent({
    payload: z.object({ id: letterId, retryId: letterId.optional() }),
    reply: chunk,
  }),
} as const;

/** Intents of `kernel/<node>/telemetry`. */
export const telemetryIntents = {
  /** Newest matching events of this node's log, oldest first. Chunks of base64 `Event` messages. */
  "events.read": intent({
    payload: z.object({
      limit: z.int().min(1).max(10_000).default(200),
      actor: path.optional(),
      /** Names of the event's kind, e.g. "actorCrashed". */
      kinds: z.array(z.string().max(64)).max(32).optional(),
      /** Only events of this chain, by root intent id, hex. */
      rootId: z.string().optional(),
      /** Leaves out intents on kernel actors that went well. */
      quietKernel: z.boolean().default(false),
    }),
    reply: chunk,
  }),
} as const;
