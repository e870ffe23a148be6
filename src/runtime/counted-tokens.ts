// Tokens with limits, in the whole cell and across restarts: what each intent takes of them is
// counted in the broker's stream before its intent is begun, under all links that have a limit at once.
// Those that come together are counted together. What is not known for sure counts as used.
import type { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { mapKey, toHex } from "../security/bytes.ts";
import { undecided } from "../security/capability/undecided.ts";
import type { CountedUse } from "../security/intake/authority.ts";
import type { CountedStream, Counts } from "../transport/streams/counted-stream.ts";
import { atLeast, type Tally, tallied } from "./tally.ts";
import { within } from "./within.ts";

/** Intents that wait for the broker's word: in all, for one root, and their bytes. */
const MAX_WAITING = 4_096;
const MAX_WAITING_EACH = 256;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Of one root: who has one token keeps nobody else from counting. */
const MAX_WAITING_BYTES_EACH = 512 * 1024;
/** Roots whose counts are known here. */
const MAX_KNOWN = 4_096;
/** Of one count, when other nodes are faster each time. */
const TRIES = 8;
const SETTLED_WITHIN_MS = 1_000;

export type CountedPorts = {
  readonly stream: Pick<CountedStream, "countsOf" | "write">;
  readonly onProblem: (error: CellError) => void;
  /** Default: the system's clock. */
  readonly nowUnixMs?: () => number;
};

type Waiting = {
  readonly use: CountedUse;
  readonly bytes: number;
  readonly decided: (counted: Result<void, CellError>) => void;
};
type Counting = { waiting: Waiting[]; done: Promise<void>; bytes: number };

export class CountedTokens {
  readonly #ports: CountedPorts;
  /** By root; the oldest first. */
  readonly #known = new Map<string, Counts>();
  readonly #counting = new Map<string, Counting>();
  #waiting = 0;
  #waitingBytes = 0;

  constructor(ports: CountedPorts) {
    this.#ports = ports;
  }

  /**
   * Counts one intent under each link, or under none. Errors: CAPABILITY_SPENT; CAPABILITY_UNDECIDED when the broker
   * does not say, or too many wait for it. Never rejects.
   * @param bytes of the intent's capsule
   */
  async count(use: CountedUse, bytes: number): Promise<Result<void, CellError>> {
    if (this.#waiting >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES) return undecided();
    this.#waiting += 1;
    this.#waitingBytes += bytes;
    const counted = await this.#join(use, bytes);
    this.#waiting -= 1;
    this.#waitingBytes -= bytes;
    return counted;
  }

  /** Once nothing is asked any more, or a second has passed. */
  async settled(): Promise<void> {
    await within(SETTLED_WITHIN_MS, Promise.all([...this.#counting.values()].map(({ done }) => done)));
  }

  #join(use: CountedUse, bytes: number): Promise<Result<void, CellError>> {
    const name = mapKey(use.root);
    const counting = this.#counting.get(name);
    const { waiting = [], bytes: before = 0 } = counting ?? {};
    const isFull =
      waiting.length >= MAX_WAITING_EACH || (before > 0 && before + bytes > MAX_WAITING_BYTES_EACH);
    if (isFull) return Promise.resolve(undecided());
    return new Promise((decided) => {
      const one = { use, bytes, decided };
      if (counting === undefined) this.#begin(name, one);
      else {
        counting.waiting.push(one);
        counting.bytes += bytes;
      }
    });
  }

  #begin(name: string, first: Waiting): void {
    const counting: Counting = { waiting: [first], done: Promise.resolve(), bytes: first.bytes };
    this.#counting.set(name, counting);
    counting.done = this.#work(name, toHex(first.use.root), counting);
  }

  /** Until nobody waits. Never rejects. */
  async #work(name: string, root: string, counting: Counting): Promise<void> {
    while (counting.waiting.length > 0) {
      const together = counting.waiting.splice(0);
      const uses = together.map(({ use }) => use);
      const taken = await this.#claim(name, root, uses).catch((cause: unknown) => {
        this.#ports.onProblem(cause as CellError);
        return undefined;
      });
      for (const [at, { bytes, decided }] of together.entries()) {
        const fault = taken?.[at];
        counting.bytes -= bytes;
        decided(taken === undefined ? undecided() : fault === undefined ? ok(undefined) : err(fault));
      }
    }
    // In the same turn as the look that nobody waits: who comes later begins anew.
    this.#counting.delete(name);
  }

  /** Of each what stands against it; undefined: nobody knows. Throws what the broker refuses. */
  async #claim(
    name: string,
    root: string,
    uses: readonly CountedUse[],
  ): Promise<readonly (CellError | undefined)[] | undefined> {
    const { stream, nowUnixMs = Date.now } = this.#ports;
    // Whatever a record says that is read next: what was counted once has been.
    let floor: readonly Tally[] = [];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const read = this.#known.get(name) ?? (await stream.countsOf(root));
      if (read === undefined) return undefined;
      floor = atLeast(read.tallies, floor);
      const { tallies, faults } = tallied(floor, uses, nowUnixMs());
      if (faults.every((fault) => fault !== undefined)) {
        this.#remember(name, { ...read, tallies: floor });
        return faults;
      }
      const written = await stream.write(root, { tallies, sequence: read.sequence });
      if (written.ok) {
        this.#remember(name, { tallies, sequence: written.value.sequence });
        return faults;
      }
      this.#known.delete(name);
      if (written.error.code !== "BROKER_STREAM_CONFLICT") throw written.error;
    }
    return undefined;
  }

  #remember(name: string, counts: Counts): void {
    this.#known.delete(name);
    const oldest = this.#known.size < MAX_KNOWN ? undefined : this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(name, counts);
  }
}
