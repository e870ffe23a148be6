// Typed calls on the kernel's actors. Values too large for one capsule arrive
// as a stream of chunks, graphs leave in parts. It renders nothing.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Chunk, fromChunks } from "../actors/kernel/chunks.ts";
import type {
  ActorReport,
  ApplyReport,
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
/** Raw bytes of one part: 48 KiB of base64. */
const PART_BYTES = 36 * 1024;

export type EventFilter = {
  readonly limit?: number;
  readonly actor?: string;
  readonly kinds?: readonly string[];
  readonly rootId?: string;
};

export type Staged = { readonly hash: string; readonly prune: boolean };

export type KernelTimeouts = {
  /** Milliseconds for a look or one command. */
  readonly requestMs: number;
  /** Milliseconds for a plan or an apply, which load behaviours and wait for actors to start. */
  readonly applyMs: number;
};

export type KernelClient = ReturnType<typeof createKernelClient>;

export function createKernelClient(port: CellPort, timeouts: KernelTimeouts) {
  const { requestMs, applyMs } = timeouts;
  const value = async (
    target: string,
    intent: string,
    payload: unknown,
    timeoutMs: number,
  ): Promise<unknown> => {
    for await (const reply of port.stream(target, intent, payload, { timeoutMs })) return reply.value;
    throw new CellError("CLI_REPLY_UNEXPECTED", "the stream of replies is empty", {
      where: `${target} ${intent}`,
    });
  };
  const chunked = async (target: string, intent: string, payload: unknown, timeoutMs = requestMs) => {
    const chunks: Chunk[] = [];
    for await (const reply of port.stream(target, intent, payload, { timeoutMs })) {
      const chunk = toChunk(reply.value);
      if (chunk !== undefined) chunks.push(chunk);
    }
    return joined(chunks, `${target} ${intent}`);
  };
  const registry = (node: string) => `kernel/${node}/registry`;
  const authority = (node: string) => `kernel/${node}/authority`;

  return {
    nodes: async () =>
      arrayOf<NodeRow>(await chunked(GRAPH, "graph.nodes", {}), ["node", "shards", "answers"]),
    /** Uploads a graph for `plan` and `apply`. */
    async stage(graph: Graph, prune: boolean): Promise<Staged> {
      const packed = gzipSync(JSON.stringify(graph));
      const hash = createHash("sha256").update(packed).digest("hex");
      const count = Math.max(1, Math.ceil(packed.length / PART_BYTES));
      for (let index = 0; index < count; index++) {
        const data = packed.subarray(index * PART_BYTES, (index + 1) * PART_BYTES).toString("base64");
        await value(GRAPH, "graph.stage", { hash, index, count, data }, requestMs);
      }
      return { hash, prune };
    },
    plan: async (staged: Staged) =>
      objectWith<PlanReport>(await chunked(GRAPH, "graph.plan", staged, applyMs), PLAN_FIELDS),
    apply: async (staged: Staged, baseRevision: number) =>
      objectWith<ApplyReport>(
        await chunked(GRAPH, "graph.apply", { ...staged, baseRevision }, applyMs),
        APPLY_FIELDS,
      ),
    remove: async (names: readonly string[]) =>
      objectWith<ApplyReport>(await chunked(GRAPH, "graph.delete", { names }, applyMs), APPLY_FIELDS),
    rollback: async (revision: number) =>
      objectWith<ApplyReport>(await chunked(GRAPH, "graph.rollback", { revision }, applyMs), APPLY_FIELDS),
    graph: async (revision?: number) =>
      objectWith<GraphReport>(await chunked(GRAPH, "graph.get", revision === undefined ? {} : { revision }), [
        "revision",
        "graph",
        "unsatisfied",
      ]),
    revisions: async () =>
      arrayOf<RevisionRow>(await chunked(GRAPH, "graph.revisions", {}), ["revision", "createdUnixMs"]),
    tree: async (node: string) =>
      objectWith<TreeNode>(await chunked(registry(node), "registry.tree", {}), ["path", "kind", "status"]),
    actor: async (node: string, path: string) =>
      objectWith<ActorReport>(await chunked(registry(node), "registry.actor", { path }), ["path", "history"]),
    /** The state afterwards. */
    steer: async (node: string, verb: "stop" | "start" | "restart", path: string, hold = false) =>
      String(
        field(
          await value(
            registry(node),
            `registry.${verb}`,
            verb === "stop" ? { path, hold } : { path },
            applyMs,
          ),
          "state",
        ),
      ),
    status: async (node: string) =>
      objectWith<NodeStatus>(await chunked(registry(node), "node.status", {}), ["node", "broker", "core"]),
    async addCertificate(node: string, certificate: Uint8Array): Promise<void> {
      const payload = { certificate: Buffer.from(certificate).toString("base64") };
      await value(authority(node), "trust.add", payload, requestMs);
    },
    principals: async (node: string) =>
      arrayOf<PrincipalRow>(await chunked(authority(node), "trust.list", {}), ["principal", "kind"]),
    /** Serialised `Event` messages, oldest first. */
    async events(node: string, filter: EventFilter): Promise<readonly Uint8Array[]> {
      const rows = await chunked(`kernel/${node}/telemetry`, "events.read", filter);
      if (!Array.isArray(rows))
        throw new CellError("CLI_REPLY_UNEXPECTED", undefined, { where: "events.read" });
      return rows.map((row) => new Uint8Array(Buffer.from(String(row), "base64")));
    },
  };
}

const PLAN_FIELDS = ["baseRevision", "changes", "problems"] as const;
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
