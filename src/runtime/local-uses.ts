// Tokens that serve once, or so many times, between actors of one node: spent and counted before the
// intent is begun, as for what comes over the bus. A durable actor may send the same intent again: a durable
// target knows it again, and it is counted once in a process; at any other it would be begun again, and is
// used again, or refused where its token serves once, also by the next process.

import { randomBytes } from "node:crypto";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { sha256, toHex } from "../security/bytes.ts";
import { undecided } from "../security/capability/undecided.ts";
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
  /** Of this process. */
  readonly #life = randomBytes(16);
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
    if (once === undefined && counted === undefined) {
      decided(ok(undefined));
      return;
    }
    const { spend, count, refusesBefore } = this.#ports;
    const id = toHex(capsule.id);
    const isKept = capsule.shard !== undefined;
    if (this.#known.has(id) && (isKept || once !== undefined)) {
      decided(isKept ? ok(undefined) : err(new CellError("CAPABILITY_SPENT")));
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
    else spend(once, isKept ? capsule : { ...capsule, hash: sha256(capsule.hash, this.#life) }, countNow);
  }

  #remember(id: string, deadlineUnixMs: number): void {
    this.#known.set(id, deadlineUnixMs);
    for (const [old, untilUnixMs] of this.#known) {
      if (this.#known.size <= MAX_KNOWN && untilUnixMs > Date.now()) break;
      this.#known.delete(old);
    }
  }
}
