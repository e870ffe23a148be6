// `kernel/graph`: what the cell should run. Lives on the node that owns shard 0.
import type { IntentMeta } from "../intent-definition.ts";
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { graphIntents } from "./contract.ts";
import type { ApplyReport, GraphReport, NodeRow, PlanReport, RevisionRow } from "./reports.ts";

/** Who asked, for the record. */
export type Requester = Pick<IntentMeta, "id" | "principal">;

export type StagedPart = {
  readonly hash: string;
  readonly index: number;
  readonly count: number;
  readonly data: Uint8Array;
};

export type GraphPorts = {
  /** True when all parts are there. */
  readonly stage: (part: StagedPart) => boolean;
  readonly plan: (hash: string, prune: boolean) => Promise<PlanReport>;
  readonly apply: (
    hash: string,
    prune: boolean,
    baseRevision: number | undefined,
    requester: Requester,
  ) => Promise<ApplyReport>;
  readonly remove: (names: readonly string[], requester: Requester) => Promise<ApplyReport>;
  readonly rollback: (revision: number, requester: Requester) => Promise<ApplyReport>;
  readonly get: (revision: number | undefined) => GraphReport;
  readonly revisions: () => readonly RevisionRow[];
  readonly nodes: () => Promise<readonly NodeRow[]>;
};

export const graph = serveActor<GraphPorts, typeof graphIntents>({
  intents: graphIntents,
  handlers: {
    "graph.stage": ({ data, ...part }, _meta, { input }) => ({
      complete: input.stage({ ...part, data: new Uint8Array(Buffer.from(data, "base64")) }),
    }),
    "graph.plan": async ({ hash, prune }, _meta, context) =>
      inChunks(context, await context.input.plan(hash, prune)),
    "graph.apply": async ({ hash, prune, baseRevision }, meta, context) =>
      inChunks(context, await context.input.apply(hash, prune, baseRevision, meta)),
    "graph.delete": async ({ names }, meta, context) =>
      inChunks(context, await context.input.remove(names, meta)),
    "graph.rollback": async ({ revision }, meta, context) =>
      inChunks(context, await context.input.rollback(revision, meta)),
    "graph.get": ({ revision }, _meta, context) => inChunks(context, context.input.get(revision)),
    "graph.revisions": (_payload, _meta, context) => inChunks(context, context.input.revisions()),
    "graph.nodes": async (_payload, _meta, context) => inChunks(context, await context.input.nodes()),
  },
});
