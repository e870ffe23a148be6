// The state that an actor goes on from: its newest commit, when a node of the cell
// signed it, it is whole, and the node has seen none that is newer. A damaged one is set
// aside, and the one before it is taken when the actor's manifest says so; the journal
// still holds what that one had not applied.
import type { CommitMeta } from "../../actors/durable/ports.ts";
import { markProgress } from "../../actors/in-hand.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { OnCorruption } from "../../manifest/graph.ts";
import { toHex } from "../../security/bytes.ts";
import { openRecord } from "../../security/records/sealed-record.ts";
import type { VerifiedRoots } from "../../security/wire/verify-envelope.ts";
import type { Kept } from "../../transport/durable/durable-stream.ts";
import { readHead, type StateStream } from "../../transport/durable/state-stream.ts";
import { type CommitHead, NO_COMMIT } from "./actor-commits.ts";
import { actorMark, type Mark, type Marks } from "./marks.ts";
import { type CommitRecord, decodeCommitRecord } from "./records.ts";

export type LoadPorts = {
  readonly stream: Pick<StateStream, "history">;
  readonly marks: Pick<Marks, "get">;
  readonly genesisHash: Uint8Array;
  readonly roots: VerifiedRoots;
  /** Whether this is the key of a node of the cell that is certified for the shard. */
  readonly isNodeKey: (key: Uint8Array, shard: number) => boolean;
  /** A damaged commit that was set aside. */
  readonly onDamaged: (path: string, error: CellError, data: Uint8Array) => void;
};

export type Loaded = {
  /** What the next commit follows on. */
  readonly head: CommitHead;
  /** Undefined: the actor begins, or begins anew. */
  readonly record: CommitRecord | undefined;
  /** Of that record; absent: not known. */
  readonly meta?: CommitMeta;
  /** It had a state, which is lost. */
  readonly isLost?: true;
  /** All readable ones that are kept, oldest first. */
  readonly history: readonly CommitRecord[];
};

/**
 * For an actor that is to begin anew, whatever is kept of it: `record` is the newest that can be
 * read, and the numbers go on rising from the highest that was ever seen.
 */
export async function loadAnyway(
  ports: LoadPorts,
  actor: { readonly path: string; readonly shard: number },
  found?: KeptCommits,
): Promise<Loaded> {
  const { path } = actor;
  const { mark, opened, last, history } = found ?? (await readKept(ports, actor));
  const newest = opened.at(-1);
  const record = history.at(-1);
  const damaged = last !== undefined && newest?.ok === false;
  if (damaged) ports.onDamaged(path, newest.error, last.data);
  const number = Math.max(mark?.number ?? 0, (record?.number ?? 0) + (damaged ? 1 : 0));
  if (number === 0) return { head: NO_COMMIT, record, history };
  const follows = newest?.ok === true && newest.value.record.number === number;
  const hash = follows ? newest.value.hash : new Uint8Array();
  const bytes = record?.stateBytes ?? 0;
  return { head: { sequence: last?.sequence ?? 0, number, hash, bytes }, record, history };
}

/** Everything that is kept of an actor, oldest first, and what this node remembers of it. */
export type KeptCommits = {
  readonly mark: Mark | undefined;
  readonly opened: readonly Result<Opened, CellError>[];
  readonly last: Kept | undefined;
  /** Those that are sound. */
  readonly history: readonly CommitRecord[];
};

export async function readKept(
  ports: LoadPorts,
  actor: { readonly path: string; readonly shard: number },
): Promise<KeptCommits> {
  const { path, shard } = actor;
  const kept = await ports.stream.history(shard, path);
  const mark = ports.marks.get(actorMark(path));
  const opened = kept.map((each) => open(ports, actor, each, mark));
  const history = opened.flatMap((each) => (each.ok ? [each.value.record] : []));
  return { mark, opened, last: kept.at(-1), history };
}

type Opened = { readonly record: CommitRecord; readonly hash: Uint8Array; readonly meta: CommitMeta };

/**
 * Throws STATE_CORRUPT, STATE_ROLLED_BACK, and what the broker refuses.
 * @param found what was read just now, if it was
 */
export async function loadState(
  ports: LoadPorts,
  actor: { readonly path: string; readonly shard: number },
  onCorruption: OnCorruption,
  found?: KeptCommits,
): Promise<Loaded> {
  const { path } = actor;
  const { mark, opened, last, history } = found ?? (await readKept(ports, actor));
  const newest = opened.at(-1);
  if (last === undefined || newest === undefined) {
    if (mark === undefined) return { head: NO_COMMIT, record: undefined, history: [] };
    throw rolledBack(path, 0, mark);
  }
  const bytes = history.at(-1)?.stateBytes ?? 0;
  const head = { sequence: last.sequence, bytes };
  if (newest.ok) {
    const { record, hash, meta } = newest.value;
    if (isBehind(record.number, hash, mark)) throw rolledBack(path, record.number, mark);
    return { head: { ...head, number: record.number, hash }, record, meta, history };
  }
  ports.onDamaged(path, newest.error, last.data);
  const number = Math.max(mark?.number ?? 0, (history.at(-1)?.number ?? 0) + 1);
  if (onCorruption === "fresh") {
    return {
      head: { ...head, number, hash: new Uint8Array() },
      record: undefined,
      isLost: true,
      history: [],
    };
  }
  // What is no commit at all may lie between: it has replaced none.
  const before = mark === undefined ? opened.at(-2) : opened.findLast(({ ok }) => ok);
  if (onCorruption === "park" || before?.ok !== true) {
    throw new CellError("STATE_CORRUPT", undefined, { where: path, cause: newest.error });
  }
  const { record, hash, meta } = before.value;
  // One step back is what the journal still covers.
  if (mark !== undefined && record.number < mark.number - 1) throw rolledBack(path, record.number, mark);
  return { head: { ...head, number, hash }, record, meta, history };
}

function open(
  { genesisHash, roots, isNodeKey }: LoadPorts,
  { path, shard }: { readonly path: string; readonly shard: number },
  kept: Kept,
  mark: Mark | undefined,
): Result<Opened, CellError> {
  // A start reads the commits of thousands of actors in few turns of the loop.
  markProgress();
  const opened = openRecord("commit", kept.data, genesisHash, roots);
  if (!opened.ok) return opened;
  const { bytes, hash, signer } = opened.value;
  // The mark vouches for a record whose signer's key has been replaced since.
  if (!isNodeKey(signer, shard) && mark?.hash !== toHex(hash)) {
    return err(
      new CellError("STATE_FORGED", "no node that is certified for its shard signed the commit", {
        where: path,
      }),
    );
  }
  const record = decodeCommitRecord(bytes);
  if (!record.ok) return record;
  if (record.value.actor !== path || record.value.shard !== shard) {
    return err(new CellError("STATE_FORGED", "the commit is another actor's", { where: path }));
  }
  const { pending, wakeAtUnixMs } = readHead(kept);
  const meta = { pending, ...(wakeAtUnixMs === undefined ? {} : { wakeAtUnixMs }) };
  return ok({ record: record.value, hash, meta });
}

const isBehind = (number: number, hash: Uint8Array, mark: Mark | undefined): mark is Mark =>
  mark !== undefined && (number < mark.number || (number === mark.number && toHex(hash) !== mark.hash));

const anewRemedy = (path: string): string =>
  `Bring back the newer data; or accept the loss with a fresh start: \`cell0 restart ${path} --fresh\`.`;

const rolledBack = (path: string, number: number, mark: Mark) =>
  new CellError(
    "STATE_ROLLED_BACK",
    `its newest commit is number ${number}, this node has seen number ${mark.number}`,
    { where: path, remedy: anewRemedy(path) },
  );
