// Which revision another node of the cell runs: asked of its registry, in the
// name of this node's graph actor.
import { z } from "zod";
import type { OutgoingIntent } from "../actors/intent.ts";
import { fromChunks } from "../actors/kernel/chunks.ts";
import { GRAPH_ACTOR, kernelPath } from "./node-graph.ts";
import type { Sender } from "./sends.ts";

const ANSWER_TIMEOUT_MS = 500;

const chunk = z.object({ chunk: z.string(), more: z.literal(false) });
const status = z.object({ revision: z.int().min(0) });

/** Undefined: the node does not answer in time. */
export type AskRevision = (node: string) => Promise<number | undefined>;

export function askRevision(send: (from: Sender, intent: OutgoingIntent) => void): AskRevision {
  const from = { path: GRAPH_ACTOR, incarnation: { term: 1, activation: 1 } };
  return (node) =>
    new Promise((resolve) => {
      send(from, {
        target: kernelPath(node, "registry"),
        intent: "node.status",
        payload: {},
        cause: undefined,
        priority: "high",
        timeoutMs: ANSWER_TIMEOUT_MS,
        onReply: (reply) => resolve(reply.ok ? revisionIn(reply.value.value) : undefined),
      });
    });
}

/** A status fits one chunk. */
function revisionIn(value: unknown): number | undefined {
  const read = chunk.safeParse(value);
  return read.success ? status.parse(fromChunks([read.data])).revision : undefined;
}
