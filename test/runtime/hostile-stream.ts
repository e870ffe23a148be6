// A kernel stream in the hands of whoever owns the broker: it can hold anything.
import { ok } from "../../src/errors/result.ts";
import type { FollowOptions } from "../../src/transport/streams/follow.ts";
import type { StreamRecord } from "../../src/transport/streams/kernel-stream.ts";

export class HostileStream {
  readonly records: StreamRecord[] = [];
  #options: FollowOptions | undefined;
  #reading: Promise<void> = Promise.resolve();

  readonly ensure = async (): Promise<void> => {};

  /** Puts bytes there and has every reader read them. */
  async inject(subject: string, data: Uint8Array): Promise<number> {
    const sequence = (this.records.at(-1)?.sequence ?? 0) + 1;
    this.records.push({ subject, sequence, data, unixMs: 0 });
    await this.#read(this.records.slice(-1));
    return sequence;
  }

  /** What a stream of one subject a principal, or of one subject, holds under it at the end. */
  lastOf(subject: string): StreamRecord | undefined {
    return this.records.findLast((record) => record.subject === subject);
  }

  write(subject: string, data: Uint8Array) {
    const sequence = (this.records.at(-1)?.sequence ?? 0) + 1;
    this.records.push({ subject, sequence, data, unixMs: 0 });
    // As the real one does: the writer hears of its own record, later.
    void this.#read(this.records.slice(-1));
    return ok({ sequence });
  }

  readonly follow = (options: FollowOptions) => {
    this.#options = options;
    return {
      caughtUp: this.#read([...this.records]),
      sequence: () => this.records.at(-1)?.sequence ?? 0,
      stop: async () => {
        this.#options = undefined;
        await this.#reading;
      },
      [Symbol.asyncDispose]: async () => {},
    };
  };

  /** The broker has an older copy of it: what was written since is gone. */
  rollBack(length: number): void {
    const readSequence = this.records.at(-1)?.sequence ?? 0;
    this.records.length = length;
    this.#options?.onRolledBack?.({ lastSequence: this.records.at(-1)?.sequence ?? 0, readSequence });
  }

  #read(records: readonly StreamRecord[]): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      for (const record of records) {
        try {
          await this.#options?.accept(record);
        } catch (error) {
          this.#options?.onProblem?.(error as never);
        }
      }
    });
    return this.#reading;
  }
}
