// The streams and marks of durable actors in memory, for the few records of a rehearsal.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { Kept } from "../../transport/durable/durable-stream.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import { KEPT_COMMITS, type StateStream } from "../../transport/durable/state-stream.ts";
import type { Mark, Marks } from "../durable/marks.ts";

/** Records that are kept of each subject. */
const KEPT_RECORDS = 64;

export type MemoryStreams = {
  readonly journal: JournalStream;
  readonly state: StateStream;
  readonly marks: Marks;
};

export function memoryStreams(): MemoryStreams {
  const journals = new Subjects(KEPT_RECORDS);
  const states = new Subjects(KEPT_COMMITS);
  const marks = new Map<string, Mark>();
  return {
    journal: {
      ensure: async () => {},
      append: (shard, data, expected) => journals.write(String(shard), data, expected),
      last: async (shard) => journals.all(String(shard)).at(-1),
      page: async (shard, from) => journals.all(String(shard)).filter(({ sequence }) => sequence >= from),
      trim: async () => {},
    },
    state: {
      ensure: async () => {},
      commit: ({ path }, data, expected) => states.write(path, data, expected),
      last: async (_, path) => states.all(path).at(-1),
      history: async (_, path) => states.all(path),
      async *heads() {},
    },
    marks: {
      get: (name) => marks.get(name),
      note: async (name, mark) => void marks.set(name, mark),
      lines: () => marks.size,
      close() {},
    },
  };
}

class Subjects {
  readonly #kept = new Map<string, readonly Kept[]>();
  readonly #bound: number;
  #sequence = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  all(subject: string): readonly Kept[] {
    return this.#kept.get(subject) ?? [];
  }

  async write(subject: string, data: Uint8Array, expected: number): Promise<Result<number, CellError>> {
    const before = this.all(subject);
    if ((before.at(-1)?.sequence ?? 0) !== expected) return err(new CellError("BROKER_STREAM_CONFLICT"));
    this.#sequence += 1;
    const kept = { subject, sequence: this.#sequence, data, header: () => "" };
    this.#kept.set(subject, [...before, kept].slice(-this.#bound));
    return ok(kept.sequence);
  }
}
