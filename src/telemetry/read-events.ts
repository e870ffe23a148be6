// Reads an event log from its oldest file to the newest, and on while it grows. It follows
// by the file's identity, so that a rotation neither loses nor repeats a record, and reads
// in pieces, so that a large log costs little memory. Damage is reported and stepped over.
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { type EventFilter, matchesEvent } from "./event-filter.ts";
import { MAX_FRAME_BYTES, readFrames } from "./frames.ts";
import { rotatedFiles } from "./rotating-file.ts";

export type ReadOptions = {
  readonly path: string;
  readonly filter?: EventFilter | undefined;
  /** The first this many that match; all by default. */
  readonly limit?: number | undefined;
  /** Only the last this many of what is there already; then, with `follow`, whatever comes. */
  readonly last?: number | undefined;
  /** Waits for more at the end, until `signal` aborts. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onDamage?: ((what: string) => void) | undefined;
};

const PIECE_BYTES = 256 * 1024;
/** Well within what a person calls at once, and a stat a time. */
const POLL_MS = 50;

export async function* readEvents(options: ReadOptions): AsyncGenerator<Event, void, void> {
  const { filter = {}, limit = Number.POSITIVE_INFINITY, last } = options;
  const held: Event[] = [];
  let holding = last !== undefined;
  let given = 0;
  if (limit <= 0) return;
  for await (const item of walk(options)) {
    if (item === END) {
      holding = false;
      for (const event of held.splice(0)) {
        yield event;
        if (++given >= limit) return;
      }
    } else if (matchesEvent(filter, item)) {
      if (holding) {
        held.push(item);
        if (held.length > (last ?? 0)) held.shift();
        continue;
      }
      yield item;
      if (++given >= limit) return;
    }
  }
}

/** Said once, when everything that was there at the call has been read. */
const END = Symbol("end");

async function* walk(options: ReadOptions): AsyncGenerator<Event | typeof END, void, void> {
  const { path, follow = false, signal } = options;
  let current = rotatedFiles(path)[0];
  let ended = false;
  while (signal?.aborted !== true) {
    if (current !== undefined) {
      await using file = await openFile(current);
      if (file !== undefined) {
        for (;;) {
          yield* file.read(options.onDamage);
          const next = await nextFile(path, file.identity);
          if (next !== undefined) {
            yield* file.read(options.onDamage);
            current = next;
            break;
          }
          if (!ended) yield END;
          ended = true;
          if (!follow || !(await waited(signal))) return;
        }
        continue;
      }
    }
    if (!follow) break;
    if (!ended) yield END;
    ended = true;
    if (!(await waited(signal))) return;
    current = rotatedFiles(path)[0];
  }
  if (!ended) yield END;
}

async function waited(signal: AbortSignal | undefined): Promise<boolean> {
  return delay(POLL_MS, true, { signal }).catch(() => false);
}

/** The file that was begun after the one with this identity; undefined when that is the newest. */
async function nextFile(path: string, identity: string): Promise<string | undefined> {
  const files = rotatedFiles(path);
  const identities = await Promise.all(files.map(identityOf));
  const at = identities.indexOf(identity);
  return at === -1 ? files[0] : files[at + 1];
}

async function identityOf(file: string): Promise<string | undefined> {
  return stat(file).then(
    ({ ino, dev }) => `${dev}:${ino}`,
    () => undefined,
  );
}

async function openFile(file: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(file, "r");
    const { ino, dev } = await handle.stat();
    return new LogFile(handle, `${dev}:${ino}`, file);
  } catch {
    return undefined;
  }
}

class LogFile {
  readonly identity: string;
  readonly #handle: FileHandle;
  readonly #name: string;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);
  #broken = false;

  constructor(handle: FileHandle, identity: string, name: string) {
    this.#handle = handle;
    this.identity = identity;
    this.#name = name;
  }

  /** What is there and was not read yet. A rest that is no whole record waits for more. */
  async *read(onDamage: ReadOptions["onDamage"]): AsyncGenerator<Event, void, void> {
    while (!this.#broken) {
      const piece = Buffer.alloc(PIECE_BYTES);
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const bytes = Buffer.concat([this.#rest, piece.subarray(0, bytesRead)]);
      const { records, damaged, end, unreadable } = readFrames(bytes);
      for (const record of records) {
        const event = decode(record);
        if (event === undefined) onDamage?.(`${this.#name}: a record that is no event`);
        else yield event;
      }
      if (damaged > 0) onDamage?.(`${this.#name}: ${damaged} records do not match their sums`);
      if (unreadable)
        onDamage?.(`${this.#name}: unreadable from byte ${this.#position - bytes.length + end}`);
      this.#broken = unreadable;
      this.#rest = Buffer.from(bytes.subarray(end, end + MAX_FRAME_BYTES * 2));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

function decode(record: Uint8Array): Event | undefined {
  try {
    return fromBinary(EventSchema, record);
  } catch {
    return undefined;
  }
}
