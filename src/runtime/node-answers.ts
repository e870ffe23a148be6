// Whether another node of the cell answers: a request to its registry, in the
// name of this node's graph actor.
import type { OutgoingIntent } from "../actors/intent.ts";
import { GRAPH_ACTOR, kernelPath } from "./node-graph.ts";
import type { Sender } from "./sends.ts";

const ANSWER_TIMEOUT_MS = 500;

export function nodeAnswers(
  self: string,
  send: (from: Sender, intent: OutgoingIntent) => void,
): (node: string) => Promise<boolean> {
  const from = { path: GRAPH_ACTOR, incarnation: { term: 1, activation: 1 } };
  return async (node) => {
    if (node === self) return true;
    return await new Promise((resolve) => {
      send(from, {
        target: kernelPath(node, "registry"),
        intent: "node.status",
        payload: {},
        cause: undefined,
        priority: "high",
        timeoutMs: ANSWER_TIMEOUT_MS,
        onReply: (reply) => resolve(reply.ok),
      });
    });
  };
}
