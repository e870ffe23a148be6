// Tokens that serve one intent, once in the whole cell: spent in the broker's stream, where of all
// nodes one wins, before the intent is begun. The same capsule that comes again finds its own record.
import { setImmediate as nextTurn } from "node:timers/promises";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { equalBytes, mapKey, toHex } from "../security/bytes.ts";
import type { SpentStream } from "../transport/streams/spent-stream.ts";

/** Asked of the broker at once; and known here to have served. */
const MAX_ASKED = 1_024;
const MAX_KNOWN = 16_384;

export type SpentPorts = {
  readonly stream: Pick<SpentStream, "spend" | "servedBy">;
  readonly onProblem: (error: CellError) => void;
};

export class SpentTokens {
  readonly #ports: SpentPorts;
  /** Hash of the capsule that each has served, by token; the oldest first. */
  readonly #known = new Map<string, Uint8Array>();
  readonly #asked = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(ports: SpentPorts) {
    this.#ports = ports;
  }

  /**
   * Errors: CAPABILITY_SPENT; CAPABILITY_UNDECIDED when the broker does not say. Never rejects.
   * @param token its hash
   */
  async spend(token: Uint8Array, capsuleHash: Uint8Array): Promise<Result<void, CellError>> {
    const name = mapKey(token);
    const served = this.#known.get(name) ?? (await this.#askOnce(name, token, capsuleHash));
    if (served === undefined) {
      return err(new CellError("CAPABILITY_UNDECIDED", undefined, { retryAfterMs: 1_000 }));
    }
    return equalBytes(served, capsuleHash) ? ok(undefined) : err(new CellError("CAPABILITY_SPENT"));
  }

  /** Once nothing is asked any more, and who asked has heard. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#asked.values());
    await nextTurn();
  }

  /** Of many intents with one token the first one's capsule is written. Undefined: nobody knows. */
  #askOnce(name: string, token: Uint8Array, capsuleHash: Uint8Array): Promise<Uint8Array | undefined> {
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked;
    if (this.#asked.size >= MAX_ASKED) return Promise.resolve(undefined);
    const asking = this.#ask(toHex(token), capsuleHash).then((served) => {
      this.#asked.delete(name);
      if (served !== undefined) this.#remember(name, served);
      return served;
    });
    this.#asked.set(name, asking);
    return asking;
  }

  async #ask(token: string, capsuleHash: Uint8Array): Promise<Uint8Array | undefined> {
    const { stream, onProblem } = this.#ports;
    try {
      const written = await stream.spend(token, capsuleHash);
      if (written.ok) return capsuleHash;
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
