// Tells the capability authority what it does not know: a record that it lacks is written to the
// stream by whoever has it, one a second at most, and none again within a minute.
import { perSecond } from "../collections/per-second.ts";
import { CellError } from "../errors/cell-error.ts";
import { mapKey } from "../security/bytes.ts";
import type { Revocations } from "../security/revocation/revocations.ts";
import type { RevocationsStream } from "../transport/streams/revocations-stream.ts";

const AGAIN_AFTER_MS = 60_000;
const MAX_REMEMBERED = 64;

export type OfferPorts = {
  readonly stream: Pick<RevocationsStream, "publish">;
  readonly onProblem: (error: CellError) => void;
};

export class RevocationOffers {
  readonly #ports: OfferPorts;
  readonly #mayOffer = perSecond({ all: 1, each: 1 });
  /** By the hash of the record; monotonic. */
  readonly #offeredAtMs = new Map<string, number>();

  constructor(ports: OfferPorts) {
    this.#ports = ports;
  }

  /** The authority says what it has, and it is not these. */
  lacking(records: readonly Revocations[], nowMs: number): void {
    const record = this.#offer(records, nowMs);
    if (record === undefined) return;
    const at = new Date(record.issuedUnixMs).toISOString();
    const what = `the authority lacks the record of revocations of ${at}, which this node has`;
    this.#ports.onProblem(new CellError("CELL_ROLLED_BACK", what));
  }

  /** The authority says nothing: perhaps it does not know any more what it knew. */
  mute(records: readonly Revocations[], nowMs: number): void {
    this.#offer(records, nowMs);
  }

  /** The one that was offered. */
  #offer(records: readonly Revocations[], nowMs: number): Revocations | undefined {
    const isDue = ({ hash }: Revocations) =>
      nowMs - (this.#offeredAtMs.get(mapKey(hash)) ?? Number.NEGATIVE_INFINITY) > AGAIN_AFTER_MS;
    const record = records.find(isDue);
    if (record === undefined || !this.#mayOffer("", nowMs)) return undefined;
    if (this.#offeredAtMs.size >= MAX_REMEMBERED) this.#offeredAtMs.clear();
    this.#offeredAtMs.set(mapKey(record.hash), nowMs);
    const { stream, onProblem } = this.#ports;
    void stream.publish(record.bytes).then((written) => {
      if (!written.ok) onProblem(written.error);
    });
    return record;
  }
}
