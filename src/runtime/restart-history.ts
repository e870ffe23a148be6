// The last restarts of each actor, with cause and time, taken from the events
// as they are recorded. Bounded for each path and in all.
import type { RestartRow } from "../actors/kernel/reports.ts";
import type { EventInput } from "../telemetry/event.ts";

const KEPT_EACH = 32;
const KEPT_PATHS = 10_000;

export class RestartHistory {
  readonly #rows = new Map<string, RestartRow[]>();

  /** Takes note of a restart; other events pass. */
  observe({ actor, kind }: EventInput): void {
    if (kind.case !== "actorRestarted" || actor === undefined) return;
    const { cause = "", elapsedUs } = kind.value;
    const elapsed = elapsedUs === undefined ? {} : { elapsedUs: Number(elapsedUs) };
    const rows = this.#rows.get(actor) ?? [];
    rows.push({ atUnixMs: Date.now(), cause, ...elapsed });
    if (rows.length > KEPT_EACH) rows.shift();
    this.#rows.delete(actor);
    this.#rows.set(actor, rows);
    const [oldest] = this.#rows.size > KEPT_PATHS ? this.#rows.keys() : [];
    if (oldest !== undefined) this.#rows.delete(oldest);
  }

  /** Oldest first. */
  of(path: string): readonly RestartRow[] {
    return [...(this.#rows.get(path) ?? [])];
  }
}
