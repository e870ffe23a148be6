// Typed calls on the kernel's actors. Values too large for one capsule arrive
// as a stream of chunks, graphs leave in parts. It renders nothing.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { z } from "zod";
import { type Chunk, fromChunks } from "../actors/kernel/chunks.ts";
import type { capabilityIntents } from "../actors/kernel/contract.ts";
import type {
  ActorReport,
  ApplyReport,
  CapabilitiesReport,
  DeadLetterReport,
  DeadLetterRow,
  GraphReport,
  NodeRow,
  NodeStatus,
  PlanReport,
  PrincipalRow,
  RevisionRow,
  TreeNode,
} from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Graph } from "../manifest/graph.ts";
import type { CellPort } from "./cell-port.ts";
import { arrayOf, field, objectWith } from "./report-decoder.ts";

const GRAPH = "kernel/graph";
const CAPABILITIES = "kernel/capabilities";
/** Raw bytes of one part: 48 KiB of base64. */
const PART_BYTES = 36 * 1024;

export type EventFilter = {
  readonly limit?: number;
  readonly actor?: string;
  readonly kinds?: readonly string[];
  readonly rootId?: string;
  readonly quietKernel?: boolean;
};

export type Staged = { readonly hash: string; readonly prune: boolean };

export type KernelTimeouts = {
  /** Milliseconds for a look or one command. */
  readonly requestMs: number;
  /** Milliseconds for a plan or an apply, which load behaviours and wait for actors to start. */
  readonly applyMs: number;
};

export type KernelClient = ReturnType<typeof graphCalls> &
  ReturnType<typeof capabilityCalls> &
  ReturnType<typeof nodeCalls>;

export const createKernelClient = (port: CellPort, timeouts: KernelTimeouts): KernelClient => {
  const ask = asker(port);
  return { ...graphCalls(ask, timeouts), ...capabilityCalls(ask, timeouts), ...nodeCalls(ask, timeouts) };
};

type Ask = ReturnType<typeof asker>;

function asker(port: CellPort) {
  return {
    async value(target: string, intent: string, payload: unknown, timeoutMs: number): Promise<unknown> {
      for await (const reply of port.stream(target, intent, payload, { timeoutMs })) return reply.value;
      throw new CellError("CLI_REPLY_UNEXPECTED", "the stream of replies is empty", {
        where: `${target} ${intent}`,
      });
    },
    async chunked(target: string, intent: string, payload: unknown, timeoutMs: number): Promise<unknown> {
      const chunks: Chunk[] = [];
      for await (const reply of port.stream(target, intent, payload, { timeoutMs })) {
        const chunk = toChunk(reply.value);
        if (chunk !== undefined) chunks.push(chunk);
      }
      return joined(chunks, `${target} ${intent}`);
    },
  };
}

/** Calls on `kernel/graph`. */
function graphCalls(ask: Ask, { requestMs, applyMs }: KernelTimeouts) {
  const read = (intent: string, payload: unknown) => ask.chunked(GRAPH, intent, payload, requestMs);
  const change = async (intent: string, payload: unknown) =>
    objectWith<ApplyReport>(await ask.chunked(GRAPH, intent, payload, applyMs), APPLY_FIELDS);
  return {
    nodes: async () => arrayOf<NodeRow>(await read("graph.nodes", {}), ["node", "shards", "answers"]),
    /** Uploads a graph for `plan` and `apply`. */
    async stage(graph: Graph, prune: boolean): Promise<Staged> {
      const packed = gzipSync(JSON.stringify(graph));
      const hash = createHash("sha256").update(packed).digest("hex");
      const count = Math.max(1, Math.ceil(packed.length / PART_BYTES));
      for (let index = 0; index < count; index++) {
        const data = packed.subarray(index * PART_BYTES, (index + 1) * PART_BYTES).toString("base64");
        await ask.value(GRAPH, "graph.stage", { hash, index, count, data }, requestMs);
      }
      return { hash, prune };
    },
    plan: async (staged: Staged) =>
      objectWith<PlanReport>(await ask.chunked(GRAPH, "graph.plan", staged, applyMs), PLAN_FIELDS),
    apply: (staged: Staged, baseRevision: number) => change("graph.apply", { ...staged, baseRevision }),
    remove: (names: readonly string[]) => change("graph.delete", { names }),
    rollback: (revision: number) => change("graph.rollback", { revision }),
    graph: async (revision?: number) =>
      objectWith<GraphReport>(await read("graph.get", revision === undefined ? {} : { revision }), [
        "revision",
        "graph",
        "unsatisfied",
      ]),
    revisions: async () =>
      arrayOf<RevisionRow>(await read("graph.revisions", {}), ["revision", "createdUnixMs"]),
  };
}

/** Calls on `kernel/capabilities`. */
function capabilityCalls(ask: Ask, { requestMs, applyMs }: KernelTimeouts) {
  return {
    /** A serialised SignedToken. */
    async mintCapability(request: z.input<(typeof capabilityIntents)["capability.mint"]["payload"]>) {
      const reply = await ask.value(CAPABILITIES, "capability.mint", request, requestMs);
      return new Uint8Array(Buffer.from(String(field(reply, "token")), "base64"));
    },
    /** @param named base64 of a SignedToken, the hex of a token's hash, the path of an actor, or the name of a client */
    revokeCapability: async (named: z.input<(typeof capabilityIntents)["capability.revoke"]["payload"]>) =>
      objectWith<{ readonly hash: string; readonly already: boolean }>(
        await ask.value(CAPABILITIES, "capability.revoke", named, requestMs),
        ["hash", "already"],
      ),
    raiseEpoch: async (scope: string) =>
      objectWith<{ readonly scope: string; readonly epoch: number; readonly holders: number }>(
        await ask.value(CAPABILITIES, "epoch.raise", { scope }, requestMs),
        ["scope", "epoch", "holders"],
      ),
    /** @param whose path of an actor, name of a client or of a graph */
    regrantCapability: async (whose: z.input<(typeof capabilityIntents)["capability.regrant"]["payload"]>) =>
      objectWith<{ readonly holders: number; readonly left: number; readonly revision: number }>(
        await ask.value(CAPABILITIES, "capability.regrant", whose, applyMs),
        ["holders", "left", "revision"],
      ),
    capabilities: async () =>
      objectWith<CapabilitiesReport>(await ask.chunked(CAPABILITIES, "capability.list", {}, requestMs), [
        "granted",
        "minted",
        "scopes",
        "tokens",
      ]),
  };
}

type Prepared = { readonly next: string; readonly current: string; readonly certificate: string };
type Verb = "stop" | "start" | "restart";

/** Calls on the kernel's actors of one node. */
function nodeCalls(ask: Ask, { requestMs, applyMs }: KernelTimeouts) {
  const registry = (node: string) => `kernel/${node}/registry`;
  const authority = (node: string) => `kernel/${node}/authority`;
  const read = (target: string, intent: string, payload: unknown) =>
    ask.chunked(target, intent, payload, requestMs);
  return {
    tree: async (node: string) =>
      objectWith<TreeNode>(await read(registry(node), "registry.tree", {}), ["path", "kind", "status"]),
    actor: async (node: string, path: string) =>
      objectWith<ActorReport>(await read(registry(node), "registry.actor", { path }), ["path", "history"]),
    /** The state afterwards. */
    steer: async (node: string, verb: Verb, path: string, { hold = false, fresh = false } = {}) => {
      const payload = { path, ...(hold ? { hold } : {}), ...(fresh ? { fresh } : {}) };
      return String(field(await ask.value(registry(node), `registry.${verb}`, payload, applyMs), "state"));
    },
    /** A child of a dynamic supervisor, from its template; input null: the template's own. */
    async startChild(node: string, supervisor: string, name: string, input: unknown): Promise<string> {
      const payload = { supervisor, name, input };
      return String(field(await ask.value(registry(node), "child.start", payload, applyMs), "state"));
    },
    /** Returns once the node's actor system, built anew, answers. */
    async rebuild(node: string): Promise<void> {
      await ask.value(registry(node), "node.rebuild", {}, requestMs);
      await read(registry(node), "node.status", {});
    },
    status: async (node: string) =>
      objectWith<NodeStatus>(await read(registry(node), "node.status", {}), ["node", "broker", "core"]),
    async addCertificate(node: string, certificate: Uint8Array): Promise<void> {
      const payload = { certificate: Buffer.from(certificate).toString("base64") };
      await ask.value(authority(node), "trust.add", payload, requestMs);
    },
    /** The node's next key and its present one, as hex, and its newest certificate. */
    async prepareKey(node: string) {
      const reply = await ask.value(authority(node), "key.prepare", {}, requestMs);
      const { certificate, ...keys } = objectWith<Prepared>(reply, ["next", "current", "certificate"]);
      return { ...keys, certificate: new Uint8Array(Buffer.from(certificate, "base64")) };
    },
    /** By the node's present key, over the body of its next key's certificate. */
    async agreeKey(node: string, body: Uint8Array): Promise<Uint8Array> {
      const payload = { body: Buffer.from(body).toString("base64") };
      const reply = await ask.value(authority(node), "key.agree", payload, requestMs);
      return new Uint8Array(Buffer.from(String(field(reply, "signature")), "base64"));
    },
    async testKey(node: string, nodes: readonly string[]): Promise<void> {
      await ask.value(authority(node), "key.test", { nodes }, applyMs);
    },
    /** Hex of the key that the node signs with then. */
    switchKey: async (node: string) =>
      String(field(await ask.value(authority(node), "key.switch", {}, requestMs), "current")),
    async removeKey(node: string): Promise<void> {
      await ask.value(authority(node), "key.remove", {}, requestMs);
    },
    principals: async (node: string) =>
      arrayOf<PrincipalRow>(await read(authority(node), "trust.list", {}), ["principal", "kind"]),
    /** Newest first; any node knows those of the whole cell. */
    deadLetters: async (node: string, filter: { readonly actor?: string; readonly all?: boolean }) =>
      arrayOf<DeadLetterRow>(await read(`kernel/${node}/deadletters`, "deadletter.list", filter), [
        "id",
        "actor",
        "intent",
      ]),
    deadLetter: async (node: string, id: string) =>
      objectWith<DeadLetterReport>(await read(`kernel/${node}/deadletters`, "deadletter.show", { id }), [
        "id",
        "actor",
        "story",
      ]),
    /** @param retryId of the intent that it was retried as; undefined: it is dropped */
    closeDeadLetter: async (node: string, id: string, retryId: string | undefined): Promise<void> => {
      const payload = retryId === undefined ? { id } : { id, retryId };
      await read(`kernel/${node}/deadletters`, "deadletter.close", payload);
    },
    /** Serialised `Event` messages, oldest first. */
    async events(node: string, filter: EventFilter): Promise<readonly Uint8Array[]> {
      const rows = await read(`kernel/${node}/telemetry`, "events.read", filter);
      if (!Array.isArray(rows)) {
        throw new CellError("CLI_REPLY_UNEXPECTED", undefined, { where: "events.read" });
      }
      return rows.map((row) => new Uint8Array(Buffer.from(String(row), "base64")));
    },
  };
}

const PLAN_FIELDS = ["baseRevision", "changes", "revoked", "problems"] as const;
const APPLY_FIELDS = [...PLAN_FIELDS, "revision", "applied", "unsatisfied"] as const;

/** Undefined for an empty final reply. */
function toChunk(reply: unknown): Chunk | undefined {
  const chunk = field(reply, "chunk");
  return typeof chunk === "string" ? { chunk, more: field(reply, "more") === true } : undefined;
}

function joined(chunks: readonly Chunk[], where: string): unknown {
  try {
    if (chunks.at(-1)?.more !== false) throw new RangeError("the last part is missing");
    return fromChunks(chunks);
  } catch (cause) {
    throw new CellError("CLI_REPLY_UNEXPECTED", "the reply is cut short or damaged", { where, cause });
  }
}
