// Dead letters on their way to the broker: each lies in a file until the broker has taken
// it, so that neither a broker that is away nor the end of this process loses one. It lies
// there once `put` has been called: the sender hears of it right after. Bounded
// by count and bytes; what finds no place is told, with its reason, and goes to the broker
// from memory if that takes it at once.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import { ok, type Result } from "../errors/result.ts";

const MAX_FILES = 1_000;
const MAX_BYTES = 64 * 1024 * 1024;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

export type Spooled = { readonly id: string; readonly actor: string; readonly bytes: Uint8Array };

export type SpoolOptions = {
  readonly directory: string;
  /** ACTOR_DEADLETTER_INVALID: these bytes are no letter, and never will be. */
  readonly append: (actor: string, bytes: Uint8Array) => Promise<Result<unknown, CellError>>;
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  /** A letter that was kept cannot be read any more. */
  readonly onProblem: (error: CellError) => void;
  readonly maxFiles?: number;
  readonly maxBytes?: number;
};

export type DeadLetterSpool = {
  /**
   * From its call on it outlives the process. Resolves when it is on the disk or in the
   * broker. Rejects when neither takes it.
   */
  put(letter: Spooled): Promise<void>;
  /** The broker may be there again. */
  nudge(): void;
  /** Letters that the broker has not taken yet. */
  readonly size: number;
  stop(): Promise<void>;
};

/** Names hold what is needed to send them: the id, then the path with dots. */
const fileOf = ({ id, actor }: Pick<Spooled, "id" | "actor">): string =>
  `${id}_${actor.replaceAll("/", ".")}.letter`;

const NAME = /^([0-9a-f]{32})_([a-z0-9.-]{1,520})\.letter$/;

const UNFINISHED = ".new";
const DAMAGED = ".damaged";

/** Files by name, with their sizes. What was not written to its end is removed: nobody was told of it. */
function readWaiting(directory: string): Map<string, number> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const waiting = new Map<string, number>();
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    if (name.endsWith(UNFINISHED)) rmSync(path, { force: true });
    else if (NAME.test(name)) waiting.set(name, statSync(path).size);
  }
  return waiting;
}

/** Throws when the directory can neither be made nor read. */
export function openSpool(options: SpoolOptions): DeadLetterSpool {
  const spool = new Spool(options, readWaiting(options.directory));
  spool.nudge();
  return spool;
}

/** For a power loss. That the file is gone says that the broker has it. */
async function flush(path: string): Promise<void> {
  try {
    await using file = await open(path, "r");
    await file.datasync();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

class Spool implements DeadLetterSpool {
  readonly #options: SpoolOptions;
  /** Sizes by name. */
  readonly #waiting: Map<string, number>;
  /** Of those that wait and those that are being written. */
  #files: number;
  #bytes: number;
  #stopped = false;
  #retryMs = FIRST_RETRY_MS;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SpoolOptions, waiting: Map<string, number>) {
    this.#options = options;
    this.#waiting = waiting;
    this.#files = waiting.size;
    this.#bytes = [...waiting.values()].reduce((sum, size) => sum + size, 0);
  }

  get size(): number {
    return this.#waiting.size;
  }

  async put(letter: Spooled): Promise<void> {
    try {
      const path = this.#keep(letter);
      this.#run();
      await flush(path);
    } catch (cause) {
      const sent = await this.#options.append(letter.actor, letter.bytes);
      if (!sent.ok) throw cause;
    }
  }

  nudge(): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #run(): void {
    if (this.#stopped || this.#running !== undefined) return;
    this.#running = this.#round()
      .catch(() => this.#later())
      .finally(() => {
        this.#running = undefined;
        // One may have come just as the round ended.
        if (this.#waiting.size > 0 && this.#cancel === undefined) this.#run();
      });
  }

  /** In the order in which they came; the first that is refused ends the round. */
  async #round(): Promise<void> {
    // What comes meanwhile goes in this round, too.
    for (const name of this.#waiting.keys()) {
      if (this.#stopped) return;
      const sent = await this.#send(name);
      if (!sent.ok) return this.#later();
      this.#retryMs = FIRST_RETRY_MS;
    }
  }

  /** An error: the broker does not take it now. */
  async #send(name: string): Promise<Result<unknown, CellError>> {
    const path = join(this.#options.directory, name);
    const actor = NAME.exec(name)?.[2]?.replaceAll(".", "/") ?? "";
    const letter = await readFile(path).catch((error: unknown) => error);
    if (!(letter instanceof Uint8Array)) return await this.#lose(name, letter);
    const sent = await this.#options.append(actor, new Uint8Array(letter));
    if (!sent.ok && sent.error.code === "ACTOR_DEADLETTER_INVALID") return await this.#lose(name, sent.error);
    if (!sent.ok) return sent;
    await rm(path, { force: true });
    this.#forget(name);
    return sent;
  }

  #later(): void {
    this.#cancel?.();
    this.#cancel = this.#options.setTimer(this.#retryMs, () => {
      this.#cancel = undefined;
      this.#run();
    });
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
  }

  /** Not flushed: whoever kills this process does not undo it. */
  #keep(letter: Spooled): string {
    const { directory, maxFiles = MAX_FILES, maxBytes = MAX_BYTES } = this.#options;
    const size = letter.bytes.length;
    const name = fileOf(letter);
    const path = join(directory, name);
    if (this.#waiting.has(name)) return path;
    if (this.#files >= maxFiles || this.#bytes + size > maxBytes)
      throw new RangeError(`${this.#files} letters of ${this.#bytes} bytes wait for the broker already`);
    this.#files += 1;
    this.#bytes += size;
    const unfinished = `${path}${UNFINISHED}`;
    try {
      writeFileSync(unfinished, letter.bytes, { mode: 0o600 });
      renameSync(unfinished, path);
      this.#waiting.set(name, size);
      return path;
    } catch (error) {
      this.#release(size);
      void rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** It stays where it is, under a name that is not read again. */
  async #lose(name: string, cause: unknown): Promise<Result<unknown, CellError>> {
    const { directory, onProblem } = this.#options;
    const where = join(directory, name);
    this.#forget(name);
    await rename(where, `${where}${DAMAGED}`).catch(() => undefined);
    const what = "the file of a dead letter is damaged";
    onProblem(new CellError("ACTOR_DEADLETTER_LOST", what, { where, cause }));
    return ok(undefined);
  }

  #forget(name: string): void {
    this.#release(this.#waiting.get(name) ?? 0);
    this.#waiting.delete(name);
  }

  #release(size: number): void {
    this.#files -= 1;
    this.#bytes -= size;
  }
}
