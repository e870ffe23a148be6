// An append-only file of bounded size: past its bound it becomes `name.1`, the one before
// it `name.2`, and the oldest goes. Writes are synchronous, so that what `append` returned
// from is with the operating system and survives a kill -9 of this process.
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";

export type RotatingFileOptions = {
  readonly path: string;
  /** Bytes in one file; an append that would pass it goes to a new one. */
  readonly maxBytes: number;
  /** Files in all, the one written to included. */
  readonly maxFiles: number;
};

/** Readable and writable by the owner only: a log names principals and actors. */
const MODE = 0o600;

export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number;
  #size: number;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(options.path, "a", MODE);
    this.#size = fstatSync(this.#descriptor).size;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Writes all of it or nothing: after a failed write the file is as it was.
   * @throws the system's error, such as ENOSPC
   */
  append(bytes: Uint8Array): void {
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.rotate();
    try {
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#descriptor, bytes, written);
      }
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  /** @throws the system's error; the file written to is open afterwards in any case it can be */
  rotate(): void {
    const { path, maxFiles } = this.#options;
    closeSync(this.#descriptor);
    try {
      for (let age = maxFiles - 1; age >= 1; age--) {
        const from = age === 1 ? path : `${path}.${age - 1}`;
        if (existsSync(from)) renameSync(from, `${path}.${age}`);
      }
      if (maxFiles === 1) rmSync(path, { force: true });
    } finally {
      this.#descriptor = openSync(path, "a", MODE);
      this.#size = fstatSync(this.#descriptor).size;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Existing files of a rotated log, oldest first; the last is the one written to. Read from
 * the folder, so that a rotation under way hides none behind a gap in the numbers.
 */
export function rotatedFiles(path: string): readonly string[] {
  const folder = dirname(path);
  const name = basename(path);
  const ages = namesIn(folder).flatMap((entry) => {
    if (entry === name) return [0];
    const age = entry.startsWith(`${name}.`) ? Number(entry.slice(name.length + 1)) : Number.NaN;
    return Number.isInteger(age) && age > 0 ? [age] : [];
  });
  return ages.sort((a, b) => b - a).map((age) => (age === 0 ? path : `${path}.${age}`));
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
