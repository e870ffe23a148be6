// What the cell should run, revision by revision: signed, chained by hash, kept
// in the broker and in this node's own copy. The newest valid one is in force.
import { gunzipSync, gzipSync } from "node:zlib";
import { longWork } from "../actors/in-hand.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { decodePlacedGraph } from "../manifest/graph-schema.ts";
import { equalBytes } from "../security/bytes.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import {
  readKeptRevision,
  signRevision,
  type KeptRevision as VerifiedRevision,
  verifyRevision,
} from "../security/trust/revision.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { RevisionsStream } from "../transport/streams/revisions-stream.ts";
import type { RecordMirror } from "./record-mirror.ts";

/** Of one graph, unpacked. */
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;
/** Revisions kept to return to, in memory and in this node's own copy. */
const KEPT = 256;

export type KeptRevision = VerifiedRevision & { readonly placed: PlacedGraph };

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
  /**
   * Resolves once it is in force at this node. Throws CELL_REVISION_CONFLICT when somebody
   * else was faster, and what the broker refuses.
   */
  append(revision: NewRevision): Promise<KeptRevision>;
  /** Writes what the stream lacks; a node in standby does so once it takes over. */
  activate(): Promise<void>;
  stop(): Promise<void>;
};

export type RevisionPorts = {
  readonly stream: RevisionsStream;
  readonly mirror: RecordMirror;
  readonly trust: TrustStore;
  readonly key: Signer;
  /** Another process of this node writes: nothing is published before `activate`. */
  readonly standby?: boolean;
  /** A newer revision is in force. */
  readonly onChange: (revision: KeptRevision) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openRevisions(ports: RevisionPorts): Promise<Revisions> {
  const kept: KeptRevision[] = [];
  let sequence = 0;
  /** What a node that reads the broker's stream afresh ends up with. */
  let inStream: KeptRevision | undefined;
  const current = () => kept.at(-1);
  const take = (revision: KeptRevision): boolean => {
    const last = current();
    if (last !== undefined && revision.revision <= last.revision) {
      requireSame(revision, kept);
      return false;
    }
    requireSuccessor(revision, last);
    kept.push(revision);
    if (kept.length > KEPT) kept.shift();
    return true;
  };
  const write = async (revision: KeptRevision): Promise<void> => {
    await ports.mirror.put(nameOf(revision), revision.bytes);
    if (revision.revision > KEPT) await ports.mirror.remove(String(revision.revision - KEPT));
    ports.onChange(revision);
  };
  /** Until the newest one is in this node's own copy and in force here. */
  let keeping: Promise<void> = Promise.resolve();
  const keep = (revision: KeptRevision): Promise<void> => {
    const before = keeping;
    keeping = before.catch(() => undefined).then(() => write(revision));
    return keeping;
  };
  const mirrored = [...(await ports.mirror.all())].sort(([a], [b]) => Number(a) - Number(b));
  for (const [name, bytes] of mirrored) {
    try {
      take(unpack(unwrap(readKeptRevision(bytes, ports.trust.genesis))));
    } catch (cause) {
      ports.onProblem(new CellError("CELL_CONFIG_INVALID", `revision ${name} is damaged here`, { cause }));
    }
  }
  for (const [name] of mirrored.slice(0, -KEPT)) await ports.mirror.remove(name);
  await ports.stream.ensure();
  const follower = ports.stream.follow({
    accept: async (record) => {
      sequence = record.sequence;
      const known = kept.find(({ bytes }) => equalBytes(bytes, record.data));
      const revision = known ?? readRevision(record.data, ports.trust);
      if (inStream === undefined || follows(revision, inStream)) inStream = revision;
      if (known === undefined && take(revision)) await keep(revision);
    },
    onProblem: ports.onProblem,
    onRolledBack: ({ lastSequence, readSequence }) => {
      sequence = lastSequence;
      inStream = undefined;
      const what = `its stream of revisions ends at ${lastSequence}, this node had read ${readSequence}`;
      ports.onProblem(new CellError("CELL_ROLLED_BACK", what));
    },
  });
  await follower.caughtUp;
  const activate = async () => {
    const restored = await restoreMissing(kept, inStream, ports);
    if (restored === undefined) return;
    sequence = restored;
    inStream = current();
  };
  if (ports.standby !== true) await activate();
  return {
    current,
    activate,
    get: (revision) => kept.find((each) => each.revision === revision),
    all: () => [...kept],
    async append(wanted) {
      const last = current();
      const bytes = longWork(() => signNext(wanted, last, ports));
      const revision = { ...unwrap(verifyRevision(bytes, ports.trust, Date.now())), placed: wanted.graph };
      const written = await ports.stream.publish(bytes, sequence);
      if (!written.ok) {
        if (written.error.code !== "BROKER_STREAM_CONFLICT") throw written.error;
        throw new CellError("CELL_REVISION_CONFLICT", undefined, { cause: written.error });
      }
      sequence = written.value.sequence;
      // The stream may have brought it before the broker's word that it is written.
      await (take(revision) ? keep(revision) : keeping);
      return revision;
    },
    stop: () => follower.stop(),
  };
}

const nameOf = ({ revision }: KeptRevision): string => String(revision);

/**
 * The broker has less than this node has seen: what is missing is written again, and said so.
 * @returns sequence of the last one written; undefined when nothing was
 */
async function restoreMissing(
  kept: readonly KeptRevision[],
  inStream: KeptRevision | undefined,
  { stream, onProblem }: RevisionPorts,
): Promise<number | undefined> {
  const theirs = inStream?.revision ?? 0;
  const missing = kept.filter(({ revision }) => revision > theirs);
  const [first] = missing;
  if (first === undefined) return undefined;
  const last = await stream.last();
  if (last !== undefined) {
    const what = `it ends at revision ${theirs}, this node has ${kept.at(-1)?.revision}`;
    onProblem(new CellError("CELL_ROLLED_BACK", what));
  }
  // Theirs is another history: what is written behind it nobody could read.
  if (inStream !== undefined && !follows(first, inStream)) return undefined;
  let sequence = last?.sequence ?? 0;
  for (const { bytes } of missing) {
    const result = await stream.publish(bytes, sequence);
    if (!result.ok) throw result.error;
    sequence = result.value.sequence;
  }
  return sequence;
}

function signNext(
  wanted: NewRevision,
  last: KeptRevision | undefined,
  { key, trust }: RevisionPorts,
): Uint8Array {
  const json = JSON.stringify(wanted.graph);
  if (Buffer.byteLength(json) > MAX_GRAPH_BYTES)
    throw new CellError("CELL_APPLY_FAILED", `the graph has more than ${MAX_GRAPH_BYTES / 2 ** 20} MiB`);
  const signed = signRevision(
    {
      revision: (last?.revision ?? 0) + 1,
      createdUnixMs: Date.now(),
      author: wanted.author,
      graph: gzipSync(json),
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

const readRevision = (bytes: Uint8Array, trust: TrustStore): KeptRevision =>
  unpack(unwrap(verifyRevision(bytes, trust, Date.now())));

function unpack(revision: VerifiedRevision): KeptRevision {
  return longWork(() => {
    const json = gunzipSync(revision.graph, { maxOutputLength: MAX_GRAPH_BYTES }).toString("utf8");
    return { ...revision, placed: unwrap(decodePlacedGraph(JSON.parse(json))) };
  });
}

function unwrap<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

const follows = (revision: VerifiedRevision, last: VerifiedRevision): boolean =>
  revision.revision === last.revision + 1 && equalBytes(revision.previousHash, last.bodyHash);

/** The first one that is kept may be any: older ones have been dropped. */
function requireSuccessor(revision: KeptRevision, last: KeptRevision | undefined): void {
  if (last === undefined || follows(revision, last)) return;
  throw new CellError(
    "CELL_ROLLED_BACK",
    `revision ${revision.revision} does not follow from ${last.revision}`,
  );
}

/** Two revisions of one number: somebody made another history. */
function requireSame(revision: KeptRevision, kept: readonly KeptRevision[]): void {
  const ours = kept.find((each) => each.revision === revision.revision);
  if (ours === undefined || equalBytes(ours.bodyHash, revision.bodyHash)) return;
  throw new CellError("CELL_ROLLED_BACK", `it has another revision ${revision.revision} than this node`);
}
