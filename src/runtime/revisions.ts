// What the cell should run, revision by revision: signed, chained by hash, kept
// in the broker and in this node's own copy. The newest valid one is in force.
import { gunzipSync, gzipSync } from "node:zlib";
import { CellError } from "../errors/cell-error.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { decodePlacedGraph } from "../manifest/graph-schema.ts";
import type { SigningKey } from "../security/keys/signing-key.ts";
import { type Revision, signRevision, verifyRevision } from "../security/trust/revision.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { RevisionsStream } from "../transport/streams/revisions-stream.ts";
import type { RecordMirror } from "./record-mirror.ts";

/** Of one graph, unpacked. */
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;
/** Revisions kept in memory to return to. */
const KEPT = 256;

export type KeptRevision = Revision & { readonly placed: PlacedGraph };

export type NewRevision = {
  readonly graph: PlacedGraph;
  readonly author: string;
  readonly rollbackOf: number;
  readonly causeId: Uint8Array;
};

export type Revisions = {
  /** Undefined before the first one. */
  current(): KeptRevision | undefined;
  get(revision: number): KeptRevision | undefined;
  /** Oldest first. */
  all(): readonly KeptRevision[];
  /** Throws CELL_REVISION_CONFLICT when somebody else was faster, and what the broker refuses. */
  append(revision: NewRevision): Promise<KeptRevision>;
  stop(): Promise<void>;
};

export type RevisionPorts = {
  readonly stream: RevisionsStream;
  readonly mirror: RecordMirror;
  readonly trust: TrustStore;
  readonly key: SigningKey;
  /** A newer revision is in force. */
  readonly onChange: (revision: KeptRevision) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openRevisions(ports: RevisionPorts): Promise<Revisions> {
  const kept: KeptRevision[] = [];
  let sequence = 0;
  const current = () => kept.at(-1);
  const take = (bytes: Uint8Array): KeptRevision | undefined => {
    const revision = readRevision(bytes, ports.trust);
    const last = current();
    if (last !== undefined && revision.revision <= last.revision) return undefined;
    requireSuccessor(revision, last);
    kept.push(revision);
    if (kept.length > KEPT) kept.shift();
    return revision;
  };
  const mirrored = [...(await ports.mirror.all())].sort(([a], [b]) => Number(a) - Number(b));
  for (const [name, bytes] of mirrored) {
    try {
      take(bytes);
    } catch (cause) {
      ports.onProblem(new CellError("CELL_CONFIG_INVALID", `revision ${name} is damaged here`, { cause }));
    }
  }
  await ports.stream.ensure();
  const follower = ports.stream.follow({
    accept: async (record) => {
      sequence = record.sequence;
      const revision = take(record.data);
      if (revision === undefined) return;
      await ports.mirror.put(nameOf(revision), revision.bytes);
      ports.onChange(revision);
    },
    onProblem: ports.onProblem,
    onRolledBack: ({ lastSequence, readSequence }) => {
      sequence = lastSequence;
      const what = `its stream of revisions ends at ${lastSequence}, this node had read ${readSequence}`;
      ports.onProblem(new CellError("CELL_ROLLED_BACK", what));
    },
  });
  await follower.caughtUp;
  await restoreMissing(kept, ports, (written) => {
    sequence = written;
  });
  return {
    current,
    get: (revision) => kept.find((each) => each.revision === revision),
    all: () => [...kept],
    async append(wanted) {
      const last = current();
      const bytes = signNext(wanted, last, ports);
      const revision = readRevision(bytes, ports.trust);
      const written = await ports.stream.publish(bytes, sequence);
      if (!written.ok) {
        if (written.error.code !== "BROKER_STREAM_CONFLICT") throw written.error;
        throw new CellError("CELL_REVISION_CONFLICT", undefined, { cause: written.error });
      }
      sequence = written.value.sequence;
      if (take(bytes) !== undefined) {
        await ports.mirror.put(nameOf(revision), bytes);
        ports.onChange(revision);
      }
      return revision;
    },
    stop: () => follower.stop(),
  };
}

const nameOf = ({ revision }: Revision): string => String(revision);

/** The broker has less than this node has seen: what is missing is written again, and said so. */
async function restoreMissing(
  kept: readonly KeptRevision[],
  { stream, onProblem }: RevisionPorts,
  written: (sequence: number) => void,
): Promise<void> {
  const last = await stream.last();
  const theirs = last === undefined ? 0 : revisionNumber(last.data, kept);
  const missing = kept.filter(({ revision }) => revision > theirs);
  if (missing.length === 0) return;
  if (last !== undefined) {
    onProblem(
      new CellError(
        "CELL_ROLLED_BACK",
        `it ends at revision ${theirs}, this node has ${kept.at(-1)?.revision}`,
      ),
    );
  }
  let sequence = last?.sequence ?? 0;
  for (const { bytes } of missing) {
    const result = await stream.publish(bytes, sequence);
    if (!result.ok) throw result.error;
    sequence = result.value.sequence;
  }
  written(sequence);
}

function revisionNumber(data: Uint8Array, kept: readonly KeptRevision[]): number {
  return kept.find(({ bytes }) => Buffer.compare(bytes, data) === 0)?.revision ?? Number.POSITIVE_INFINITY;
}

function signNext(
  wanted: NewRevision,
  last: KeptRevision | undefined,
  { key, trust }: RevisionPorts,
): Uint8Array {
  const signed = signRevision(
    {
      revision: (last?.revision ?? 0) + 1,
      createdUnixMs: Date.now(),
      author: wanted.author,
      graph: gzipSync(JSON.stringify(wanted.graph)),
      rollbackOf: wanted.rollbackOf,
      previousHash: last?.bodyHash ?? new Uint8Array(),
      causeId: wanted.causeId,
    },
    key,
    trust.genesis.hash,
  );
  if (!signed.ok) throw signed.error;
  return signed.value;
}

function readRevision(bytes: Uint8Array, trust: TrustStore): KeptRevision {
  const revision = verifyRevision(bytes, trust, Date.now());
  if (!revision.ok) throw revision.error;
  const json = gunzipSync(revision.value.graph, { maxOutputLength: MAX_GRAPH_BYTES }).toString("utf8");
  const placed = decodePlacedGraph(JSON.parse(json));
  if (!placed.ok) throw placed.error;
  return { ...revision.value, placed: placed.value };
}

/** The first one that is kept may be any: older ones have been dropped. */
function requireSuccessor(revision: KeptRevision, last: KeptRevision | undefined): void {
  if (last === undefined) return;
  const follows = revision.revision === last.revision + 1;
  if (follows && Buffer.compare(revision.previousHash, last.bodyHash) === 0) return;
  throw new CellError(
    "CELL_ROLLED_BACK",
    `revision ${revision.revision} does not follow from ${last.revision}`,
  );
}
