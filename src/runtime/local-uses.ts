// Tokens that serve once, or so many times, between actors of one node: spent and counted before the
// intent is begun, as for what comes over the bus. A durable actor may send the same intent again; it is
// counted once in a process.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { toHex } from "../security/bytes.ts";
import type { Authority } from "../security/intake/authority.ts";
import type { DeliveryPorts } from "./deliveries.ts";
import type { SpentFor } from "./spent-tokens.ts";

export type UsePorts = Pick<DeliveryPorts, "spend" | "count" | "refusesBefore">;

/** The capsule that would be begun. */
export type UsedFor = SpentFor & {
  readonly id: Uint8Array;
  readonly target: string;
  readonly deadlineUnixMs: number;
};

type Decided = (used: Result<void, CellError>) => void;

const MAX_KNOWN = 16_384;

export class LocalUses {
  readonly #ports: UsePorts;
  /** Deadlines of those that have used their token, by id; the oldest first. */
  readonly #known = new Map<string, number>();

  constructor(ports: UsePorts) {
    this.#ports = ports;
  }

  /**
   * Decides at once when there is nothing to use up. Errors: CAPABILITY_SPENT; CAPABILITY_UNDECIDED when the broker
   * does not say; what is refused before that.
   */
  use({ once, counted }: Pick<Authority, "once" | "counted">, capsule: UsedFor, decided: Decided): void {
    const { spend, count, refusesBefore } = this.#ports;
    const id = toHex(capsule.id);
    if ((once === undefined && counted === undefined) || this.#known.has(id)) {
      decided(ok(undefined));
      return;
    }
    const closed = refusesBefore?.(capsule.target);
    if (closed !== undefined) {
      decided(err(closed));
      return;
    }
    const remember: Decided = (used) => {
      if (used.ok) this.#remember(id, capsule.deadlineUnixMs);
      decided(used);
    };
    const countNow: Decided = (spent) => {
      if (!spent.ok || counted === undefined) remember(spent);
      else if (count === undefined) decided(undecided());
      else count(counted, capsule.bytes, remember);
    };
    if (once === undefined) countNow(ok(undefined));
    else if (spend === undefined) decided(undecided());
    else spend(once, capsule, countNow);
  }

  #remember(id: string, deadlineUnixMs: number): void {
    this.#known.set(id, deadlineUnixMs);
    for (const [old, untilUnixMs] of this.#known) {
      if (this.#known.size <= MAX_KNOWN && untilUnixMs > Date.now()) break;
      this.#known.delete(old);
    }
  }
}

const undecided = () => err(new CellError("CAPABILITY_UNDECIDED", undefined, { retryAfterMs: 1_000 }));
