// One commit after the other: at most one is in flight, and what is decided meanwhile
// goes into the next. Work is done only after its commit, in order.
import { CellError } from "../../errors/cell-error.ts";
import { err, type Result } from "../../errors/result.ts";
import type { ActorClock } from "../ports.ts";
import type { TurnScheduler } from "../turn.ts";
import { Batch, type Work } from "./batch.ts";
import type { CommitMeta, DurablePorts, DurableState } from "./ports.ts";

/** Beyond it a commit counts as lost. */
export const COMMIT_TIMEOUT_MS = 30_000;
/** Steps in one commit. */
const MAX_STEPS = 64;
/** Characters of replies in one commit. */
const MAX_REPLY_CHARS = 128 * 1024;
/**
 * Steps that a new incarnation commits one by one: when one of a group spoiled the commit
 * and so ended the incarnation before, it is alone now, and can be named.
 */
const SINGLE_STEPS = MAX_STEPS;
/** After which a commit says that entries of the outbox have been taken. */
const TIDY_AFTER_MS = 1_000;

export type CommitLoopOptions = {
  readonly ports: Pick<DurablePorts, "commit" | "performed">;
  readonly clock: ActorClock;
  readonly turns: TurnScheduler;
  /** Runs what can be done while a commit is on its way, once it has left. Default: setImmediate. */
  readonly afterwards?: (run: () => void) => void;
  /** Nothing of a group is suspected of having ended the incarnation before. */
  readonly isCleared: boolean;
  /** Everything, as of now. @throws when it cannot be kept */
  build(batch: Batch): { readonly state: DurableState; readonly meta: CommitMeta; readonly text: string };
  perform(work: Work): void;
  /** What `build` threw: nothing of the batch comes about. */
  unkeepable(error: unknown, batch: Batch): void;
  /** What the port said: nothing of the batch comes about. */
  refused(error: CellError, batch: Batch): void;
  /** There is room for further decisions. */
  committed(): void;
};

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  open = new Batch();
  #flying: Batch | undefined;
  /** What was committed last holds what has been performed since. */
  #stale = false;
  #steps = 0;
  #landedAtMs = 0;
  #scheduled = false;
  #closing: (() => void) | undefined;
  #ended = false;
  #cancelTidy: (() => void) | undefined;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
    this.#steps = options.isCleared ? SINGLE_STEPS : 0;
  }

  /** Waits for the word of a commit. */
  get isFlying(): boolean {
    return this.#flying !== undefined;
  }

  /** When the word of the last commit came; monotonic. */
  get landedAtMs(): number {
    return this.#landedAtMs;
  }

  get hasRoom(): boolean {
    const limit = this.#steps < SINGLE_STEPS ? 1 : MAX_STEPS;
    return this.#closing === undefined && this.open.steps < limit && this.open.size < MAX_REPLY_CHARS;
  }

  /** What was not a reason to commit goes with what was decided last. */
  note(work: Work): void {
    const batch = this.open.isDirty ? this.open : this.#flying;
    if (batch === undefined) this.#options.perform(work);
    else batch.works.push(work);
  }

  /** Commits soon. */
  touch(): void {
    this.open.isDirty = true;
    this.#schedule();
  }

  /** Commits when there is another reason, or nothing else happens for a while. */
  tidy(): void {
    this.#stale = true;
    if (this.#ended) return;
    this.#cancelTidy ??= this.#options.clock.setTimer(TIDY_AFTER_MS, () => {
      this.#cancelTidy = undefined;
      if (this.#stale) this.touch();
    });
  }

  /** Calls `end` when all that was decided has come about. */
  close(end: () => void): void {
    this.#closing = end;
    this.#schedule();
  }

  stop(): void {
    this.#ended = true;
    this.#cancelTidy?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    this.#options.turns.schedule(() => {
      this.#scheduled = false;
      this.#flush();
      return false;
    });
  }

  #flush(): void {
    if (this.#ended || this.#flying !== undefined) return;
    if (this.#closing !== undefined && this.#stale) this.open.isDirty = true;
    if (this.open.isDirty) this.#commit();
    else this.#closing?.();
  }

  #commit(): void {
    const batch = this.open;
    let built: ReturnType<CommitLoopOptions["build"]>;
    try {
      built = this.#options.build(batch);
    } catch (error) {
      this.#options.unkeepable(error, batch);
      return;
    }
    this.open = new Batch();
    this.#flying = batch;
    this.#stale = false;
    const { promise, resolve } = Promise.withResolvers<Result<void, CellError>>();
    const cancel = this.#options.clock.setTimer(COMMIT_TIMEOUT_MS, () => {
      resolve(err(new CellError("ACTOR_COMMIT_FAILED", `no word of the commit in ${COMMIT_TIMEOUT_MS} ms`)));
    });
    this.#options.ports
      .commit(built.state, built.meta, built.text)
      .then(resolve, (cause) => resolve(err(new CellError("ACTOR_COMMIT_FAILED", undefined, { cause }))));
    void promise.then((result) => {
      cancel();
      this.#landed(batch, result);
    });
    if (batch.steps === 1) this.#prepare(batch);
  }

  /** Of one that is alone nothing is left to be signed once its commit is there; many share a signature. */
  #prepare(batch: Batch): void {
    const work = batch.works.find(({ prepare }) => prepare !== undefined);
    if (work === undefined) return;
    (this.#options.afterwards ?? setImmediate)(() => {
      if (this.#flying === batch && !this.#ended) work.prepare?.();
    });
  }

  #landed(batch: Batch, result: Result<void, CellError>): void {
    if (this.#ended) return;
    if (!result.ok) {
      this.#options.refused(result.error, batch);
      return;
    }
    this.#steps += batch.steps;
    this.#landedAtMs = this.#options.clock.monotonicMs();
    const mustTell = batch.redo !== undefined || batch.sends > 0;
    for (const work of batch.works) {
      if (this.#ended) return;
      this.#options.perform(work);
    }
    if (!this.#ended) this.#options.ports.performed?.();
    this.#flying = undefined;
    // Otherwise a restart would do again what has been done.
    if (mustTell) this.open.isDirty = true;
    this.#options.committed();
    this.#flush();
  }
}
