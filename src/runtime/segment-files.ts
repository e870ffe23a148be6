// A log as a row of files of bounded size, `<name>-<number>.log`: appended to the
// newest, begun anew at each start, dropped from the oldest on. Writes are
// synchronous, so that what `append` returned from survives a kill -9.
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

export type SegmentOptions = {
  readonly directory: string;
  readonly name: string;
  /** First bytes of each file. */
  readonly header: Buffer;
  /** Bytes of one file; an append that would pass it goes to a new one. */
  readonly maxBytes: number;
};

export type Segment = { readonly number: number; readonly bytes: Buffer; readonly changedUnixMs: number };

export class SegmentFiles {
  readonly #options: SegmentOptions;
  #number: number;
  #descriptor: number | undefined;
  #size = 0;

  /** @param last number of the newest file that is there; 0: none */
  constructor(options: SegmentOptions, last: number) {
    this.#options = options;
    this.#number = last;
  }

  /** Number of the file that is written to. */
  get number(): number {
    return this.#number;
  }

  /** @throws the system's error; then what the newest file holds is not known */
  append(bytes: Uint8Array): void {
    if (this.#descriptor === undefined || this.#size + bytes.length > this.#options.maxBytes) this.#next();
    this.#write(bytes);
  }

  remove(number: number): void {
    rmSync(segmentPath(this.#options, number), { force: true });
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #next(): void {
    const { directory, header } = this.#options;
    this.close();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(segmentPath(this.#options, this.#number + 1), "wx", 0o600);
    this.#number += 1;
    this.#size = 0;
    this.#write(header);
  }

  #write(bytes: Uint8Array): void {
    if (this.#descriptor === undefined) throw new TypeError("no segment is open");
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
    this.#size += bytes.length;
  }
}

/** Oldest first. @throws the system's error */
export function readSegments(directory: string, name: string): readonly Segment[] {
  const pattern = new RegExp(`^${name}-(\\d{1,15})\\.log$`);
  const numbers = readdirSync(directory).flatMap((entry) => pattern.exec(entry)?.[1] ?? []);
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => {
      const path = segmentPath({ directory, name }, number);
      return { number, bytes: readFileSync(path), changedUnixMs: Math.floor(statSync(path).mtimeMs) };
    });
}

const segmentPath = ({ directory, name }: Pick<SegmentOptions, "directory" | "name">, number: number) =>
  join(directory, `${name}-${number}.log`);
