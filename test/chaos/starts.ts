// Incarnations as the node's events tell them: each start of an actor bears a higher one
// than the start before, whoever ran it. Events may be missing after a death, never go back.
import type { Event } from "../../src/gen/cell0/v1/events_pb.ts";
import { toHex } from "../../src/security/bytes.ts";
import { type Incarnation, isAbove, shown } from "./incarnation.ts";
import { MAX_NAMED } from "./verdict.ts";

export class StartJudge {
  readonly #last = new Map<string, Incarnation>();
  readonly #seen = new Set<string>();
  readonly faults: string[] = [];
  starts = 0;

  take({ id, actor, incarnation, kind }: Event): void {
    if (kind.case !== "actorStarted" || incarnation === undefined) return;
    const event = toHex(id);
    if (this.#seen.has(event)) return;
    this.#seen.add(event);
    this.starts += 1;
    const last = this.#last.get(actor);
    if (last !== undefined && !isAbove(incarnation, last) && this.faults.length < MAX_NAMED) {
      this.faults.push(`${actor} was started as ${shown(incarnation)} after ${shown(last)}`);
    }
    this.#last.set(actor, incarnation);
  }
}
