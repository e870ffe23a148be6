// The cell's signed records at this node: who is trusted, what should run, what is revoked.
import { longWork } from "../actors/in-hand.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { MAX_COUNTED_MS, MAX_EPHEMERAL_MS } from "../security/capability/token.ts";
import type { ParsedIdentity } from "../security/identity/creds-file.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import type { Revocations } from "../security/revocation/revocations.ts";
import type { Revoked } from "../security/revocation/revoked.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { revocationHeads } from "../transport/revocation-heads.ts";
import { countedStream } from "../transport/streams/counted-stream.ts";
import { type MintedStream, mintedStream } from "../transport/streams/minted-stream.ts";
import { revisionsStream } from "../transport/streams/revisions-stream.ts";
import { revocationsStream } from "../transport/streams/revocations-stream.ts";
import { spentStream } from "../transport/streams/spent-stream.ts";
import { trustStream } from "../transport/streams/trust-stream.ts";
import type { CellConfig } from "./cell-config.ts";
import { CountedTokens } from "./counted-tokens.ts";
import type { DataDir } from "./data-dir.ts";
import type { Watched } from "./links.ts";
import { openMirror, standbyMirror } from "./record-mirror.ts";
import { openRevisions, type Revisions } from "./revisions.ts";
import { type CellRevocations, openRevocations } from "./revocations.ts";
import { SpentTokens } from "./spent-tokens.ts";
import { type CellTrust, openTrust } from "./trust.ts";

export type NodeRecords = {
  readonly trust: CellTrust;
  readonly revisions: Revisions;
  readonly revocations: CellRevocations;
  readonly spent: SpentTokens;
  readonly counted: CountedTokens;
  /** What the capability authority has minted. */
  readonly minted: MintedStream;
  /** This process writes from now on. */
  activate(): Promise<void>;
  stop(): Promise<void>;
};

export type NodeRecordOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly identity: ParsedIdentity;
  /** Of this node; it may become another one. */
  readonly key: Signer;
  readonly connection: BrokerConnection;
  /** Another process of this node writes, until `activate`. */
  readonly standby: boolean;
  /** Set to the graph in force, now and whenever it changes. */
  readonly placed: Watched<PlacedGraph>;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openRecords(options: NodeRecordOptions): Promise<NodeRecords> {
  const { dir, config, identity, key, connection, standby, placed, onProblem, record } = options;
  const certificates = standbyMirror(await openMirror(dir.trust, "cert"));
  const retired = standbyMirror(await openMirror(dir.trust, "retired"));
  const graphs = standbyMirror(await openMirror(dir.revisions, "rev"));
  const revoked = await openMirror(dir.revocations, "revoked");
  const write = async () => {
    await certificates.activate();
    await retired.activate();
    await graphs.activate();
  };
  if (!standby) await write();
  const trust = await openTrust({
    genesis: identity.genesis,
    mirror: certificates,
    retired,
    standby,
    stream: trustStream(connection, config.cell),
    onChange: ({ principal, generation, revoked }) =>
      record({ kind: { case: "trustChanged", value: { principal, generation, revoked } } }),
    onProblem,
  });
  const spent = spentStream(connection, config.cell, 2 * MAX_EPHEMERAL_MS);
  const counted = countedStream(connection, config.cell, MAX_COUNTED_MS + MAX_EPHEMERAL_MS);
  const minted = mintedStream(connection, config.cell);
  const [revisions, revocations] = await Promise.all([
    openRevisions({
      stream: revisionsStream(connection, config.cell),
      mirror: graphs,
      standby,
      trust: trust.store,
      key,
      // Each who follows goes through all of the graph.
      onChange: (revision) => longWork(() => placed.set(revision.placed)),
      onProblem,
    }),
    openRevocations({
      node: config.node,
      stream: revocationsStream(connection, config.cell, config.node),
      heads: revocationHeads(connection, config.cell, config.node),
      mirror: revoked,
      standby,
      trust: trust.store,
      key,
      onChange: (next, before) => record(revocationsChanged(next, before)),
      onProblem,
    }),
    spent.ensure(),
    counted.ensure(),
    minted.ensure(),
  ]);
  const current = revisions.current();
  if (current !== undefined) longWork(() => placed.set(current.placed));
  return {
    trust,
    revisions,
    revocations,
    minted,
    spent: new SpentTokens({ node: config.node, stream: spent, onProblem }),
    counted: new CountedTokens({ stream: counted, onProblem }),
    async activate() {
      // Whatever else fails: until it speaks no token counts anywhere.
      const speaking = revocations.activate().catch(onProblem);
      await write();
      await speaking;
      await trust.activate();
      await revisions.activate();
    },
    async stop() {
      await revocations.stop();
      await revisions.stop();
      await trust.stop();
    },
  };
}

/** Named in the event; the counts say how many there are. */
const MOST_NAMED = 16;

function revocationsChanged({ author, causeId, ...record }: Revocations, before: Revoked): EventInput {
  const tokens = [...record.tokens].flatMap(([name, { hash }]) => (before.tokens.has(name) ? [] : [hash]));
  const scopes = [...record.epochs].flatMap(([scope, epoch]) =>
    epoch > (before.epochs.get(scope) ?? 0) ? [{ scope, epoch: BigInt(epoch) }] : [],
  );
  const value = {
    author,
    causeId,
    tokens: tokens.slice(0, MOST_NAMED),
    tokenCount: tokens.length,
    scopes: scopes.slice(0, MOST_NAMED),
    scopeCount: scopes.length,
  };
  return { kind: { case: "revocationsChanged", value } };
}
