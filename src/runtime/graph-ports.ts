// What the kernel's graph actor works through: staging, the keeper, and a look
// at the other nodes.
import type { GraphPorts } from "../actors/kernel/graph.ts";
import type { NodeRow, RevisionRow } from "../actors/kernel/reports.ts";
import { fromHex } from "../security/bytes.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { countActors, type GraphKeeper } from "./graph-keeper.ts";
import { ownedShards } from "./owned-shards.ts";
import type { Revisions } from "./revisions.ts";
import { Staging } from "./staging.ts";

export type GraphPortOptions = {
  readonly keeper: GraphKeeper;
  readonly revisions: Revisions;
  readonly trust: TrustStore;
  readonly unsatisfied: () => readonly { readonly path: string; readonly reason: string }[];
  /** Whether a node answers, by its name. */
  readonly answers: (node: string) => Promise<boolean>;
};

export function graphPorts({ keeper, revisions, trust, unsatisfied, answers }: GraphPortOptions): GraphPorts {
  const staging = new Staging();
  const asked = ({ id, principal }: { readonly id: string; readonly principal: string }) => ({
    author: principal,
    causeId: fromHex(id) ?? new Uint8Array(),
  });
  return {
    stage: (part) => staging.add(part),
    plan: (hash, prune) => keeper.plan(staging.graph(hash), prune),
    apply: (hash, prune, base, requester) => keeper.apply(staging.graph(hash), prune, asked(requester), base),
    remove: (names, requester) => keeper.delete(names, asked(requester)),
    rollback: (revision, requester) => keeper.rollback(revision, asked(requester)),
    get: (revision) => ({
      revision: revision ?? revisions.current()?.revision ?? 0,
      graph:
        revision === undefined
          ? (revisions.current()?.placed ?? keeper.graphOf(0))
          : keeper.graphOf(revision),
      unsatisfied: unsatisfied(),
    }),
    revisions: () => revisionRows(revisions),
    nodes: () => nodeRows(trust, answers),
  };
}

/** Newest first. */
function revisionRows(revisions: Revisions): readonly RevisionRow[] {
  const current = revisions.current()?.revision;
  return revisions
    .all()
    .map(({ revision, createdUnixMs, author, rollbackOf, placed }) => ({
      revision,
      createdUnixMs,
      author,
      rollbackOf,
      current: revision === current,
      actors: countActors(placed),
    }))
    .reverse();
}

async function nodeRows(
  trust: TrustStore,
  answers: (node: string) => Promise<boolean>,
): Promise<readonly NodeRow[]> {
  const now = Date.now();
  return await Promise.all(
    trust.nodes(now).map(async ({ principal, generation }) => ({
      node: principal,
      shards: ownedShards(trust, principal, now),
      generation,
      answers: await answers(principal),
    })),
  );
}
