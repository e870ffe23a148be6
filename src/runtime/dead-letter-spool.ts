// Dead letters on their way to the broker: each lies in a file until the broker has taken
// it, so that neither a broker that is away nor the end of this process loses one. Bounded
// by count and bytes; what finds no place is told, with its reason, and goes to the broker
// from memory if that takes it at once.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";

const MAX_FILES = 1_000;
const MAX_BYTES = 64 * 1024 * 1024;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

export type Spooled = { readonly id: string; readonly actor: string; readonly bytes: Uint8Array };

export type SpoolOptions = {
  readonly directory: string;
  readonly append: (actor: string, bytes: Uint8Array) => Promise<Result<unknown, CellError>>;
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly maxFiles?: number;
};

export type DeadLetterSpool = {
  /** Resolves when it is in a file or in the broker. Rejects when neither takes it. */
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

export async function openSpool(options: SpoolOptions): Promise<DeadLetterSpool> {
  const { directory, append, setTimer, maxFiles = MAX_FILES } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const waiting = new Map<string, number>();
  for (const name of (await readdir(directory)).sort())
    if (NAME.test(name)) waiting.set(name, (await stat(join(directory, name))).size);
  let bytes = [...waiting.values()].reduce((sum, size) => sum + size, 0);
  let stopped = false;
  let retryMs = FIRST_RETRY_MS;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const drop = async (name: string): Promise<void> => {
    bytes -= waiting.get(name) ?? 0;
    waiting.delete(name);
    await rm(join(directory, name), { force: true });
  };

  /** In the order in which they came; the first that is refused ends the round. */
  const round = async (): Promise<void> => {
    for (const name of [...waiting.keys()]) {
      const actor = NAME.exec(name)?.[2]?.replaceAll(".", "/");
      if (stopped || actor === undefined) return;
      const letter = await readFile(join(directory, name)).catch(() => undefined);
      const sent = letter && (await append(actor, new Uint8Array(letter)));
      if (sent?.ok === false) return later();
      await drop(name);
      retryMs = FIRST_RETRY_MS;
    }
  };

  const later = (): void => {
    cancel?.();
    cancel = setTimer(retryMs, run);
    retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
  };

  const run = (): void => {
    if (stopped || running !== undefined) return;
    running = round()
      .catch(later)
      .finally(() => {
        running = undefined;
      });
  };

  const keep = async (letter: Spooled): Promise<void> => {
    if (waiting.size >= maxFiles || bytes + letter.bytes.length > MAX_BYTES)
      throw new RangeError(`${waiting.size} letters wait for the broker already`);
    const name = fileOf(letter);
    waiting.set(name, letter.bytes.length);
    bytes += letter.bytes.length;
    try {
      await writeFile(join(directory, name), letter.bytes, { mode: 0o600, flush: true });
    } catch (error) {
      await drop(name).catch(() => undefined);
      throw error;
    }
  };

  run();
  return {
    async put(letter) {
      try {
        await keep(letter);
        run();
      } catch (cause) {
        const sent = await append(letter.actor, letter.bytes);
        if (!sent.ok) throw cause;
      }
    },
    nudge() {
      retryMs = FIRST_RETRY_MS;
      run();
    },
    get size() {
      return waiting.size;
    },
    async stop() {
      stopped = true;
      cancel?.();
      await running;
    },
  };
}
