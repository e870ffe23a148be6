// What the cell's other nodes run: asked again and again, so that what is placed
// on a node that is silent or behind can be shown as missing, with the reason.
import { setTimeout as delay } from "node:timers/promises";
import type { AskRevision } from "./node-revision.ts";

const EVERY_MS = 250;
/** How long a change waits for the other nodes to run it. */
const SETTLE_TIMEOUT_MS = 3_000;
const SETTLE_POLL_MS = 25;

export type NodeWatch = {
  /** Why what is placed on a node does not run as stated; undefined: it does, or was not asked yet. */
  fault(node: string): string | undefined;
  /** Waits, at most 3 s, until every node runs a revision, or a later one. */
  settled(revision: number): Promise<void>;
  stop(): void;
};

export type NodeWatchOptions = {
  /** The other nodes that something is placed on. */
  readonly nodes: () => readonly string[];
  /** The revision in force. */
  readonly revision: () => number;
  readonly ask: AskRevision;
};

export function watchNodes({ nodes, revision, ask }: NodeWatchOptions): NodeWatch {
  let known: ReadonlyMap<string, number | undefined> = new Map();
  let passing: Promise<void> | undefined;
  const pass = async () => {
    known = new Map(await Promise.all(nodes().map(async (node) => [node, await ask(node)] as const)));
  };
  const refresh = () => {
    passing ??= pass().finally(() => {
      passing = undefined;
    });
    return passing;
  };
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    fault(node) {
      if (!known.has(node)) return undefined;
      const runs = known.get(node);
      if (runs === undefined) return `node ${node} does not answer`;
      return runs < revision() ? `node ${node} runs revision ${runs} still` : undefined;
    },
    async settled(wanted) {
      const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
      const isBehind = (node: string) => (known.get(node) ?? -1) < wanted;
      while (nodes().length > 0 && performance.now() < deadlineMs) {
        await refresh();
        if (!nodes().some(isBehind)) return;
        await delay(SETTLE_POLL_MS);
      }
    },
    stop: () => clearInterval(timer),
  };
}
