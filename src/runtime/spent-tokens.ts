// Tokens that serve one intent, once in the whole cell: spent in the broker's stream, where of all
// nodes one wins, before the intent is begun. The same capsule that comes again finds its own record.
import { setImmediate as nextTurn } from "node:timers/promises";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { equalBytes, mapKey, sha256, toHex } from "../security/bytes.ts";
import { undecided } from "../security/capability/undecided.ts";
import type { SpentStream } from "../transport/streams/spent-stream.ts";
import { within } from "./within.ts";

/** Intents that wait for the broker's word: in all, for one token, and their bytes. */
const MAX_WAITING = 1_024;
const MAX_WAITING_EACH = 8;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Tokens that are known here to have served. */
const MAX_KNOWN = 16_384;
const SETTLED_WITHIN_MS = 1_000;

/** The capsule that a token is spent for. */
export type SpentFor = {
  /** Key that signed it: the same bytes under another key of their sender are another intent. */
  readonly issuer: Uint8Array;
  readonly hash: Uint8Array;
  readonly bytes: number;
  /** Shard whose journal knows it again, wherever that is; undefined: only this node does. */
  readonly shard: number | undefined;
};

export type SpentPorts = {
  readonly node: string;
  readonly stream: Pick<SpentStream, "spend" | "servedBy">;
  readonly onProblem: (error: CellError) => void;
};

type Asking = { readonly served: Promise<Uint8Array | undefined>; waiting: number };

export class SpentTokens {
  readonly #ports: SpentPorts;
  /** What each has served, by token; the oldest first. */
  readonly #known = new Map<string, Uint8Array>();
  readonly #asked = new Map<string, Asking>();
  #waiting = 0;
  #waitingBytes = 0;

  constructor(ports: SpentPorts) {
    this.#ports = ports;
  }

  /**
   * Errors: CAPABILITY_SPENT; CAPABILITY_UNDECIDED when the broker does not say, or too many wait for it.
   * Never rejects.
   * @param token its hash
   */
  async spend(token: Uint8Array, capsule: SpentFor): Promise<Result<void, CellError>> {
    const name = mapKey(token);
    const where = capsule.shard === undefined ? `node ${this.#ports.node}` : `shard ${capsule.shard}`;
    const purpose = sha256(capsule.issuer, capsule.hash, Buffer.from(where, "utf8"));
    const served = this.#known.get(name) ?? (await this.#wait(name, token, purpose, capsule.bytes));
    if (served === undefined) return undecided();
    return equalBytes(served, purpose) ? ok(undefined) : err(new CellError("CAPABILITY_SPENT"));
  }

  /** Once nothing is asked any more and who asked has heard, or a second has passed. */
  async settled(): Promise<void> {
    const asked = [...this.#asked.values()].map(({ served }) => served);
    await within(SETTLED_WITHIN_MS, Promise.allSettled(asked));
    await nextTurn();
  }

  /** Undefined: nobody knows. */
  async #wait(
    name: string,
    token: Uint8Array,
    purpose: Uint8Array,
    bytes: number,
  ): Promise<Uint8Array | undefined> {
    const isFull = this.#waiting >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES;
    const asking = this.#asked.get(name);
    if (isFull || (asking !== undefined && asking.waiting >= MAX_WAITING_EACH)) return undefined;
    const joined = asking ?? this.#begin(name, token, purpose);
    joined.waiting += 1;
    this.#waiting += 1;
    this.#waitingBytes += bytes;
    const served = await joined.served;
    this.#waiting -= 1;
    this.#waitingBytes -= bytes;
    return served;
  }

  /** Of many intents with one token the first one is written. */
  #begin(name: string, token: Uint8Array, purpose: Uint8Array): Asking {
    const served = this.#ask(toHex(token), purpose).then((found) => {
      this.#asked.delete(name);
      if (found !== undefined) this.#remember(name, found);
      return found;
    });
    const asking = { served, waiting: 0 };
    this.#asked.set(name, asking);
    return asking;
  }

  async #ask(token: string, purpose: Uint8Array): Promise<Uint8Array | undefined> {
    const { stream, onProblem } = this.#ports;
    try {
      const written = await stream.spend(token, purpose);
      if (written.ok) return purpose;
      if (written.error.code === "BROKER_STREAM_CONFLICT") return await stream.servedBy(token);
      onProblem(written.error);
    } catch (error) {
      onProblem(error as CellError);
    }
    return undefined;
  }

  #remember(name: string, served: Uint8Array): void {
    const oldest = this.#known.size < MAX_KNOWN ? undefined : this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(name, served);
  }
}
