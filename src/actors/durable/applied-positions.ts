// Which intents of the journal an actor has decided, by priority. One position says it
// for all up to there; what was decided ahead of one that still waits is listed.
import { InFlightSet } from "../../collections/in-flight.ts";
import type { PriorityName } from "../intent.ts";
import type { JournalPosition } from "./ports.ts";

const PRIORITIES = ["critical", "high", "normal", "low"] as const;

export type ByPriority<T> = Readonly<Record<PriorityName, T>>;

export const NOTHING_APPLIED: ByPriority<JournalPosition> = { critical: 0, high: 0, normal: 0, low: 0 };

type Lane = {
  /** All up to here are decided, unless they wait. */
  upTo: number;
  /** In the order of their delivery, which is the journal's. */
  readonly waiting: InFlightSet<number>;
  /** Decided while an earlier one waited. */
  readonly ahead: InFlightSet<number>;
  /** The highest that came to this incarnation; of lower ones each that is undecided waits. */
  cameUpTo: number;
};

export class AppliedPositions {
  readonly #lanes: Readonly<Record<PriorityName, Lane>>;

  constructor(applied: ByPriority<JournalPosition>, ahead: Partial<ByPriority<readonly number[]>>) {
    const laneOf = (name: PriorityName): Lane => {
      const upTo = applied[name];
      return { upTo, waiting: new InFlightSet(), ahead: new InFlightSet(ahead[name]), cameUpTo: upTo };
    };
    this.#lanes = {
      critical: laneOf("critical"),
      high: laneOf("high"),
      normal: laneOf("normal"),
      low: laneOf("low"),
    };
  }

  /** Whether it was decided, or waits to be. */
  knows(priority: PriorityName, position: JournalPosition): boolean {
    const { upTo, waiting, ahead } = this.#lanes[priority];
    return position <= upTo || waiting.has(position) || ahead.has(position);
  }

  /**
   * It was delivered: those of one priority rise, though what was asked again comes again. What an earlier
   * incarnation decided beyond it says nothing of those between, which are still to come.
   */
  came(priority: PriorityName, position: JournalPosition): void {
    const lane = this.#lanes[priority];
    lane.cameUpTo = Math.max(lane.cameUpTo, position);
  }

  /** It waits to be decided. */
  expect(priority: PriorityName, position: JournalPosition): void {
    this.came(priority, position);
    this.#lanes[priority].waiting.add(position);
  }

  settle(priority: PriorityName, position: JournalPosition): void {
    const lane = this.#lanes[priority];
    this.came(priority, position);
    lane.waiting.delete(position);
    if (position > lane.upTo) lane.ahead.add(position);
    const [first = Number.POSITIVE_INFINITY] = lane.waiting;
    for (const decided of lane.ahead) {
      if (decided > first || decided > lane.cameUpTo) continue;
      lane.ahead.delete(decided);
      lane.upTo = Math.max(lane.upTo, decided);
    }
  }

  applied(): Record<PriorityName, JournalPosition> {
    const { critical, high, normal, low } = this.#lanes;
    return { critical: critical.upTo, high: high.upTo, normal: normal.upTo, low: low.upTo };
  }

  /** Absent: none. */
  ahead(): Partial<Record<PriorityName, number[]>> {
    const found: Partial<Record<PriorityName, number[]>> = {};
    for (const name of PRIORITIES) {
      const { ahead } = this.#lanes[name];
      if (ahead.size > 0) found[name] = [...ahead];
    }
    return found;
  }
}

/** Sending actors remembered; the one that has been silent longest goes first. */
const MAX_SOURCES = 512;

/** The last outbox sequence taken of each durable actor that sends, by priority. */
export class Sources {
  /** Decided, and so committed. */
  readonly #decided: Map<string, number>;
  /** Of this incarnation, those that wait included. */
  readonly #taken: Map<string, number>;

  constructor(committed: Readonly<Record<string, number>>) {
    this.#decided = new Map(Object.entries(committed));
    this.#taken = new Map(this.#decided);
  }

  knows(source: string, priority: PriorityName, sequence: number): boolean {
    return sequence <= (this.#taken.get(`${source} ${priority}`) ?? 0);
  }

  expect(source: string, priority: PriorityName, sequence: number): void {
    raise(this.#taken, `${source} ${priority}`, sequence);
  }

  settle(source: string, priority: PriorityName, sequence: number): void {
    raise(this.#decided, `${source} ${priority}`, sequence);
  }

  decided(): Record<string, number> {
    return Object.fromEntries(this.#decided);
  }
}

function raise(map: Map<string, number>, key: string, to: number): void {
  const value = Math.max(to, map.get(key) ?? 0);
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > MAX_SOURCES ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
