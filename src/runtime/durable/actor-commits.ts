// The commits of one actor: each a signed record that names the one before by hash,
// written under compare-and-set in its place. One is under way at a time. Whoever finds
// another's record there has been succeeded, or has drifted, and says so. A commit may be on
// its way together with the journal record of what it applies; it counts once both are there.
import type { CommitMeta, DurableState } from "../../actors/durable/ports.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { sha256, toHex } from "../../security/bytes.ts";
import type { RecordSealer } from "../../security/records/record-sealer.ts";
import type { Incarnation } from "../../security/wire/capsule.ts";
import { MAX_STATE_BYTES, type StateStream } from "../../transport/durable/state-stream.ts";
import type { KeptCommits } from "./load-state.ts";
import { actorMark, type Marks } from "./marks.ts";
import type { OwnCommits } from "./own-commits.ts";
import { type CommitRecord, encodeCommitRecord } from "./records.ts";

export type CommitPorts = {
  readonly stream: Pick<StateStream, "commit">;
  readonly sealer: RecordSealer;
  readonly marks: Marks;
  readonly own: OwnCommits;
  readonly nowUnixMs: () => number;
  /** All that is kept of the actor. */
  readonly readKept: (actor: { readonly path: string; readonly shard: number }) => Promise<KeptCommits>;
  /** Another incarnation has written: this process owns the shard no more. */
  readonly onFenced: (shard: number) => void;
  readonly signal: AbortSignal;
};

/** The newest commit; `sequence` 0: there is none. */
export type CommitHead = {
  readonly sequence: number;
  readonly number: number;
  readonly hash: Uint8Array;
  /** UTF-8 bytes of its state. */
  readonly bytes: number;
};

export const NO_COMMIT: CommitHead = { sequence: 0, number: 0, hash: new Uint8Array(), bytes: 0 };

export type CommitOptions = {
  readonly incarnation: Incarnation;
  readonly meta: CommitMeta;
  /** The state as JSON, where it has been made already. */
  readonly text?: string | undefined;
  /** The state of an earlier commit again. */
  readonly repeated?: boolean;
  /**
   * The first commit of its term: somebody else's record there may be the last one of the owner
   * before, so that it is BROKER_STREAM_CONFLICT, to be read and judged.
   */
  readonly claims?: boolean;
  /** What becomes of the journal record that it depends on; undefined: that is there. */
  readonly journaled?: Promise<Result<void, CellError>> | undefined;
  /** The broker has it, whatever becomes of that record. */
  readonly landed?: () => void;
};

/** Of what was found: as long as a restart takes that waits for nothing. */
const FOUND_MS = 50;

/** What it makes is kept for long, and must not hold a larger buffer. */
const encoder = new TextEncoder();

export class ActorCommits {
  readonly #ports: CommitPorts;
  readonly #actor: { readonly path: string; readonly shard: number };
  #head: CommitHead;
  #last: Promise<unknown> = Promise.resolve();
  /** Writes that are under way, or wait for the one before. */
  #underWay = 0;
  #unkept: CellError | undefined;
  #found: { readonly kept: KeptCommits; readonly atMs: number } | undefined;

  constructor(
    ports: CommitPorts,
    actor: { readonly path: string; readonly shard: number },
    head: CommitHead,
  ) {
    this.#ports = ports;
    this.#actor = actor;
    this.#head = head;
  }

  get head(): CommitHead {
    return this.#head;
  }

  /**
   * What was found just now where a commit was refused, once: an incarnation that comes at once need
   * not read it again. Later it may say something else, and those that signed it be known better.
   */
  takeFound(): KeptCommits | undefined {
    const found = this.#found;
    this.#found = undefined;
    return found !== undefined && performance.now() - found.atMs < FOUND_MS ? found.kept : undefined;
  }

  /**
   * Errors: STATE_TOO_LARGE, ACTOR_FENCED, STATE_DRIFTED, and what the broker refuses: nothing is
   * written then. CELL_STOPPING, or ACTOR_FENCED by the journal: it may be there, and nothing may
   * follow from it here. While the broker is away it waits.
   */
  commit(state: DurableState, options: CommitOptions): Promise<Result<void, CellError>> {
    const text = encoder.encode(options.text ?? JSON.stringify(state));
    if (text.length > MAX_STATE_BYTES) {
      const what = `the state has ${text.length} bytes, at most ${MAX_STATE_BYTES} are kept`;
      return Promise.resolve(err(new CellError("STATE_TOO_LARGE", what, { where: this.#actor.path })));
    }
    return this.#next(() => this.#write(text, options));
  }

  /**
   * Writes the newest commit once more, so that the one before it says the same: then nothing
   * of the journal is needed for either. Does nothing when the newest cannot be read, nor while
   * a commit is under way: after that one it is no longer needed.
   */
  repeat(
    read: () => Promise<CommitRecord | undefined>,
    options: CommitOptions,
  ): Promise<Result<void, CellError>> {
    if (this.#underWay > 0) return Promise.resolve(ok(undefined));
    return this.#next(async () => {
      const record = await read();
      if (record === undefined || record.number !== this.#head.number) return ok(undefined);
      return await this.#write(encoder.encode(JSON.stringify(record.state)), { ...options, repeated: true });
    });
  }

  /** Resolves when nothing is under way. An error: the newest lies there, and nothing may follow from it here. */
  async settled(): Promise<CellError | undefined> {
    await this.#last;
    return this.#unkept;
  }

  /** After the one before. */
  #next(write: () => Promise<Result<void, CellError>>): Promise<Result<void, CellError>> {
    const done = () => {
      this.#underWay -= 1;
    };
    this.#underWay += 1;
    const written = this.#last.then(write);
    this.#last = written.then(done, done);
    return written;
  }

  async #write(
    state: Uint8Array,
    { incarnation, meta, repeated = false, claims = false, journaled, landed }: CommitOptions,
  ): Promise<Result<void, CellError>> {
    const { stream, sealer, marks, own, nowUnixMs, signal } = this.#ports;
    const { path, shard } = this.#actor;
    const number = this.#head.number + 1;
    const bytes = encodeCommitRecord(
      {
        actor: path,
        shard,
        number,
        incarnation,
        previousHash: this.#head.hash,
        writtenUnixMs: nowUnixMs(),
        repeated,
      },
      state,
    );
    const head = { shard, path, pending: meta.pending, wakeAtUnixMs: meta.wakeAtUnixMs };
    // It leaves within the turn that it is signed in, beside the journal record.
    const written = await new Promise<Result<number, CellError>>((resolve) =>
      sealer.seal({ kind: "commit", bytes }, (sealed) =>
        resolve(stream.commit(head, sealed, this.#head.sequence, signal)),
      ),
    );
    if (!written.ok) {
      own.drop(path);
      return err(claims ? written.error : await this.#refused(written.error, incarnation.term));
    }
    const hash = sha256(bytes);
    this.#head = { sequence: written.value, number, hash, bytes: state.length };
    own.keep(path, { number, incarnation, state });
    landed?.();
    await marks.note(actorMark(path), { number, hash: toHex(hash) });
    const kept = (await journaled) ?? ok(undefined);
    if (!kept.ok) this.#unkept = kept.error;
    return kept;
  }

  /** A conflict without a successor: what this actor goes on from is not what is kept of it. */
  async #refused(cause: CellError, term: number): Promise<CellError> {
    if (cause.code !== "BROKER_STREAM_CONFLICT") return cause;
    const { path, shard } = this.#actor;
    if (!(await this.#wasSucceeded(term)))
      return new CellError("STATE_DRIFTED", undefined, { where: path, cause });
    this.#ports.onFenced(shard);
    return new CellError("ACTOR_FENCED", undefined, { where: path, cause });
  }

  /**
   * Whether a process of a later term has committed for the actor. Where that cannot be read it
   * counts as so: nothing is gone on from in doubt.
   */
  async #wasSucceeded(term: number): Promise<boolean> {
    try {
      const kept = await this.#ports.readKept(this.#actor);
      this.#found = { kept, atMs: performance.now() };
      return kept.history.some(({ incarnation }) => incarnation.term > term);
    } catch {
      return true;
    }
  }
}
