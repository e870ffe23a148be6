// Performs the kills of a plan, counts those that struck, and writes each down. What is not
// there to be killed at that moment, or lives on, is no kill, and said so in the trace.
import type { OwnCell } from "../../src/drill/cell.ts";
import type { ProcessName } from "../../src/drill/ports.ts";
import { failActor, isOfActors, type KnownLives, victimOf } from "./kill-actor.ts";
import { killProcess } from "./kill-process.ts";
import { deathsOf, type Kill, type KillKind } from "./plan.ts";
import type { Cast } from "./roster.ts";

export type Killer = {
  kill(kill: Kill): Promise<void>;
  /** Resolves when no kill is under way. */
  settled(): Promise<void>;
  counts(): Readonly<Partial<Record<KillKind, number>>>;
  total(): number;
};

export type KillerOptions = {
  readonly cell: OwnCell;
  readonly roster: readonly Cast[];
  readonly write: (line: string) => Promise<void>;
  /** Has the judge send an intent that kills each life that takes it; rejects when nobody says what became of it. */
  readonly poison: (path: string) => Promise<void>;
};

/** The cradle gives up after ten deaths of one process within a minute: chaos stays below, by a new cradle. */
const MAX_DEATHS = 8;
/** An actor is parked after five intents that were poison within a minute. */
const MAX_POISON = 3;
const PERIOD_MS = 60_000;
/** Between deaths of processes the cell is to serve again: what kills one that restores is a kind of its own. */
const SERVES_WITHIN_MS = 15_000;
/** Failures of actors under way at a time: they are not waited for, what dies meanwhile may be what would answer. */
const MAX_FAILING = 24;

export function killerOf({ cell, roster, write, poison }: KillerOptions): Killer {
  const counts: Partial<Record<KillKind, number>> = {};
  const deaths = new Recent<ProcessName>();
  const lives: KnownLives = new Map();
  const poisoned = new Recent<string>();
  const failing = new Set<Promise<void>>();
  let ending: Promise<void> = Promise.resolve();
  const startedMs = performance.now();
  const inTheLoop = roster.find(({ isolation }) => isolation === "shared")?.path ?? "";

  const performOnActor = async (kill: Kill): Promise<string> => {
    const isSpared = ({ path }: Cast) => kill.kind === "poison" && poisoned.count(path) >= MAX_POISON;
    const path = victimOf(
      roster.filter((each) => !isSpared(each)),
      kill,
    );
    if (path === undefined) throw new RangeError("nobody is there for it");
    if (kill.kind !== "poison") await failActor(cell, lives, path, kill);
    else {
      lives.delete(path);
      poisoned.add(path);
      await poison(path);
    }
    return path;
  };
  const performOnProcess = async (kill: Kill): Promise<KillKind> => {
    const ended = deathsOf(kill.kind);
    const isTooOften = ended.some((name) => deaths.count(name) + ended.length > MAX_DEATHS);
    if (isTooOften || kill.kind === "cradle") {
      lives.clear();
      await cell.revive();
      deaths.clear();
      return "cradle";
    }
    // Or does not in time: then it is killed all the same.
    await cell.request(inTheLoop, "ledger", {}, SERVES_WITHIN_MS).catch(() => undefined);
    lives.clear();
    for (const name of ended) deaths.add(name);
    await killProcess(cell, kill);
    return kill.kind;
  };
  const tried = async (kill: Kill): Promise<void> => {
    const atMs = Math.round(performance.now() - startedMs);
    const tell = (told: object) => write(JSON.stringify({ atMs, ...kill, ...told }));
    try {
      const done = isOfActors(kill.kind)
        ? { kind: kill.kind, path: await performOnActor(kill) }
        : { kind: await performOnProcess(kill) };
      counts[done.kind] = (counts[done.kind] ?? 0) + 1;
      await tell({ ...done, tookMs: Math.round(performance.now() - startedMs) - atMs });
    } catch (error) {
      await tell({ missed: String(error).slice(0, 200) });
    }
  };
  return {
    async kill(kill) {
      if (!isOfActors(kill.kind)) {
        // One process after the other; actors die on meanwhile, also of a cell that restores.
        await ending;
        ending = tried(kill);
        return;
      }
      const held = tried(kill).finally(() => failing.delete(held));
      failing.add(held);
      if (failing.size >= MAX_FAILING) await Promise.race(failing);
    },
    async settled() {
      await Promise.all([ending, ...failing]);
    },
    counts: () => counts,
    total: () => Object.values(counts).reduce((total, count) => total + count, 0),
  };
}

/** How often each thing came about within the last minute. */
class Recent<K> {
  #times: readonly (readonly [K, number])[] = [];

  add(what: K): void {
    this.#times = [...this.#times, [what, performance.now()]];
  }

  count(what: K): number {
    const now = performance.now();
    this.#times = this.#times.filter(([, atMs]) => now - atMs < PERIOD_MS);
    return this.#times.filter(([each]) => each === what).length;
  }

  clear(): void {
    this.#times = [];
  }
}
