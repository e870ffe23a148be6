// Performs the kills of a plan, counts them, and writes each down. What is not there to be
// killed at that moment is left out, and said so in the trace.
import { setTimeout as pause } from "node:timers/promises";
import type { OwnCell } from "../../src/drill/cell.ts";
import type { ProcessName } from "../../src/drill/ports.ts";
import { ALONE, aloneName, GROUPED, groupedName } from "./actors.ts";
import { deathsOf, type Kill, type KillKind } from "./plan.ts";

export type Killer = {
  kill(kill: Kill): Promise<void>;
  /** Resolves when no kill is under way. */
  settled(): Promise<void>;
  counts(): Readonly<Partial<Record<KillKind, number>>>;
  total(): number;
};

/** The cradle gives up after ten deaths of a process within a minute: chaos stays below, by a new cradle. */
const MAX_DEATHS = 7;
const PERIOD_MS = 60_000;
const ASK_MS = 5_000;
/** Between deaths of processes the cell is to serve again: what kills one that restores is a kind of its own. */
const SERVES_WITHIN_MS = 15_000;
/** Failures of actors under way at a time: they are not waited for, what dies meanwhile may be what would answer. */
const MAX_FAILING = 8;

export function killerOf(
  cell: OwnCell,
  { write }: { readonly write: (line: string) => Promise<void> },
): Killer {
  const counts: Partial<Record<KillKind, number>> = {};
  let deaths: number[] = [];
  const failing = new Set<Promise<void>>();
  const startedMs = performance.now();
  const perform = async (kill: Kill): Promise<KillKind> => {
    const now = performance.now();
    deaths = deaths.filter((at) => now - at < PERIOD_MS);
    const count = deathsOf(kill.kind);
    if (count > 0 && deaths.length + count > MAX_DEATHS) {
      await cell.revive();
      deaths = [];
      return "cradle";
    }
    if (count > 0 || kill.kind === "kernel") await serves(cell);
    await killOne(cell, kill);
    for (let each = 0; each < count; each += 1) deaths.push(now);
    return kill.kind;
  };
  const tell = async (kill: Kill, atMs: number, told: object) =>
    await write(JSON.stringify({ atMs, ...kill, ...told }));
  const tried = async (kill: Kill): Promise<void> => {
    const atMs = Math.round(performance.now() - startedMs);
    try {
      const kind = await perform(kill);
      counts[kind] = (counts[kind] ?? 0) + 1;
      await tell(kill, atMs, { kind, tookMs: Math.round(performance.now() - startedMs) - atMs });
    } catch (error) {
      await tell(kill, atMs, { missed: String(error).slice(0, 200) });
    }
  };
  return {
    async kill(kill) {
      const trying = tried(kill);
      if (!OF_ACTORS.has(kill.kind)) return await trying;
      const held = trying.finally(() => failing.delete(held));
      failing.add(held);
      if (failing.size >= MAX_FAILING) await Promise.race(failing);
    },
    async settled() {
      await Promise.all(failing);
    },
    counts: () => counts,
    total: () => Object.values(counts).reduce((total, count) => total + count, 0),
  };
}

const OF_ACTORS: ReadonlySet<KillKind> = new Set(["throw", "unprovoked", "group"]);

async function killOne(cell: OwnCell, { kind, actor, gapMs }: Kill): Promise<void> {
  const signal = async (name: "SIGKILL" | "SIGSTOP" | "SIGCONT", ...processes: readonly ProcessName[]) =>
    cell.signal(await Promise.all(processes.map((each) => cell.pid(each))), name);
  switch (kind) {
    case "throw":
      // Never one of the group: over what a sender causes it parks its actor.
      return await fail(cell, aloneName(actor % ALONE), "throw");
    case "unprovoked":
      return await fail(cell, aloneName(actor % ALONE), "unprovoked");
    case "group":
      return await fail(cell, groupedName(actor % GROUPED), "unprovoked");
    case "kernel":
      return await cell.restartKernel();
    case "node":
    case "core":
    case "broker":
      return await signal("SIGKILL", kind);
    case "broker-and-node":
      return await signal("SIGKILL", "broker", "node");
    case "pause-node": {
      const pid = await cell.pid("node");
      cell.signal([pid], "SIGSTOP");
      await pause(gapMs);
      return ifThere(async () => cell.signal([pid], "SIGCONT"));
    }
    case "node-twice":
      await signal("SIGKILL", "node");
      await pause(gapMs);
      return await ifThere(() => signal("SIGKILL", "node"));
    case "broker-then-node":
      await signal("SIGKILL", "broker");
      await pause(gapMs / 4);
      return await ifThere(() => signal("SIGKILL", "node"));
    case "cradle":
      return await cell.revive();
  }
}

/** Or does not in time: then it is killed all the same. */
async function serves(cell: OwnCell): Promise<void> {
  await cell.request(aloneName(0), "ledger", {}, SERVES_WITHIN_MS).catch(() => undefined);
}

/** The second of two kills: by then the cradle may have ended the process, or not yet have another. */
async function ifThere(kill: () => Promise<void>): Promise<void> {
  await kill().catch(() => undefined);
}

/** Fails the actor's present life, and that one only: an intent that comes again spares the next. */
async function fail(cell: OwnCell, path: string, how: string): Promise<void> {
  const ledger = await cell.request(path, "ledger", {}, ASK_MS);
  const life: unknown = Reflect.get(Object(ledger), "life");
  await cell.request(path, "fail", { how, life }, ASK_MS).catch(() => undefined);
}
