// What this node has seen of its journals and commits, on its own disk: the number and
// hash of the newest of each. A broker whose data were restored from an old copy holds
// less, and is found out. Written before anything that follows from a commit is done;
// it outlives the process at once, and a power loss but for its last moments.
import { closeSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

export type Mark = {
  readonly number: number;
  /** SHA-256 of the record, hex. */
  readonly hash: string;
};

export type Marks = {
  get(name: string): Mark | undefined;
  /** Resolves once it is written; never rejects. Writes nothing after `close`. */
  note(name: string, mark: Mark): Promise<void>;
  /** Lines in the file. */
  lines(): number;
  /** Its descriptor may be another file's from now on: what the broker says late is not written. */
  close(): void;
};

export type MarksOptions = {
  readonly path: string;
  /** A write that failed: the marks on disk stay behind. Called once until one succeeds again. */
  readonly onProblem: (error: unknown) => void;
  /** Lines that were changed, or the whole file is gone: what they said is not known any more. */
  readonly onDamage?: (what: string) => void;
  /** This node had marks before. */
  readonly expected?: boolean;
  /** Lines beyond four times the live ones before the file is written anew; default 4,096: a start reads them. */
  readonly spareLines?: number;
};

/** The last word is the checksum of those before it. */
const LINE = /^(([a-z]:[a-z0-9/-]{1,600}) ([0-9]{1,16}) ([0-9a-f]{64})) ([0-9a-f]{8})$/;

export const actorMark = (path: string): string => `a:${path}`;
export const journalMark = (shard: number): string => `j:${shard}`;
/** Of the oldest record that the journal must still hold; its hash is not known. */
export const trimMark = (shard: number): string => `t:${shard}`;
export const NO_HASH = "0".repeat(64);

/** Throws what the file system throws. */
export function openMarks(options: MarksOptions): Marks {
  const { path, onProblem, onDamage = () => {}, expected = false, spareLines = 4_096 } = options;
  const text = readText(path);
  const { live, read, damaged, isCut } = readMarks(text ?? "");
  let lines = read;
  if (text === undefined && expected) onDamage("the file is gone");
  if (damaged > 0) onDamage(`${damaged} lines were changed`);
  let file = openSync(path, "a", 0o600);
  let waiting: string[] = [];
  let written: Promise<void> | undefined;
  /** The last write failed, or only in part: all is written anew with the next one. */
  let failed = false;
  let closed = false;

  const compact = (): void => {
    const text = [...live].map(([name, mark]) => markLine(name, mark)).join("");
    const fresh = openSync(`${path}.new`, "w", 0o600);
    try {
      writeAll(fresh, text);
      renameSync(`${path}.new`, path);
    } catch (error) {
      closeSync(fresh);
      throw error;
    }
    closeSync(file);
    file = fresh;
    lines = live.size;
  };
  const flush = (): void => {
    if (closed) return;
    const text = waiting.join("");
    lines += waiting.length;
    waiting = [];
    written = undefined;
    try {
      if (!failed) writeAll(file, text);
      if (failed || lines > 4 * live.size + spareLines) compact();
      failed = false;
    } catch (error) {
      if (!failed) onProblem(error);
      failed = true;
    }
  };
  // So that what follows never joins a line that was cut short, and damage is told once.
  if (isCut || damaged > 0) compact();
  return {
    get: (name) => live.get(name),
    note(name, mark) {
      live.set(name, mark);
      if (closed) return Promise.resolve();
      waiting.push(markLine(name, mark));
      // A few microtasks later, so that what the broker said in one breath is one write.
      written ??= Promise.resolve().then(nothing).then(nothing).then(nothing).then(flush);
      return written;
    },
    lines: () => lines,
    close() {
      if (closed) return;
      if (waiting.length > 0) flush();
      closed = true;
      closeSync(file);
    },
  };
}

const nothing = (): void => {};

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

type MarksRead = {
  readonly live: Map<string, Mark>;
  readonly read: number;
  readonly damaged: number;
  /** A last line that was cut short is one that nothing followed from. */
  readonly isCut: boolean;
};

function readMarks(text: string): MarksRead {
  const live = new Map<string, Mark>();
  const all = text.split("\n");
  const isCut = all.pop() !== "";
  let read = 0;
  let damaged = 0;
  for (const line of all) {
    const [, said = "", name = "", number, hash = "", sum] = LINE.exec(line) ?? [];
    if (sum === checksum(said)) {
      live.set(name, { number: Number(number), hash });
      read += 1;
    } else if (line !== "") damaged += 1;
  }
  return { live, read, damaged, isCut };
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

/** As it stands in the file. */
export function markLine(name: string, { number, hash }: Mark): string {
  const said = `${name} ${number} ${hash}`;
  return `${said} ${checksum(said)}\n`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
