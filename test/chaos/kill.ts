// Performs the kills of a plan, counts them, and writes each down. What is not there to be
// killed at that moment is left out, and said so in the trace.
import { setTimeout as pause } from "node:timers/promises";
import type { OwnCell } from "../../src/drill/cell.ts";
import type { ProcessName } from "../../src/drill/ports.ts";
import { ALONE, aloneName, GROUPED, groupedName } from "./actors.ts";
import { deathsOf, type Kill, type KillKind } from "./plan.ts";

export type Killer = {
  kill(kill: Kill): Promise<void>;
  counts(): Readonly<Partial<Record<KillKind, number>>>;
  total(): number;
};

/** The cradle gives up after ten deaths of a process within a minute: chaos stays below, by a new cradle. */
const MAX_DEATHS = 7;
const PERIOD_MS = 60_000;
const ASK_MS = 1_000;

export function killerOf(
  cell: OwnCell,
  { write }: { readonly write: (line: string) => Promise<void> },
): Killer {
  const counts: Partial<Record<KillKind, number>> = {};
  let deaths: number[] = [];
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
    await killOne(cell, kill);
    for (let each = 0; each < count; each += 1) deaths.push(now);
    return kill.kind;
  };
  return {
    async kill(kill) {
      const atMs = Math.round(performance.now() - startedMs);
      try {
        const kind = await perform(kill);
        counts[kind] = (counts[kind] ?? 0) + 1;
        await write(JSON.stringify({ atMs, ...kill, kind }));
      } catch (error) {
        await write(JSON.stringify({ atMs, ...kill, missed: String(error).slice(0, 200) }));
      }
    },
    counts: () => counts,
    total: () => Object.values(counts).reduce((total, count) => total + count, 0),
  };
}

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
      // The cradle may have ended it by now.
      return cell.signal([pid], "SIGCONT");
    }
    case "node-twice":
      await signal("SIGKILL", "node");
      await pause(gapMs);
      return await signal("SIGKILL", "node");
    case "broker-then-node":
      await signal("SIGKILL", "broker");
      await pause(gapMs / 4);
      return await signal("SIGKILL", "node");
    case "cradle":
      return await cell.revive();
  }
}

/** Fails the actor's present life, and that one only: an intent that comes again spares the next. */
async function fail(cell: OwnCell, path: string, how: string): Promise<void> {
  const ledger = await cell.request(path, "ledger", {}, ASK_MS);
  const life: unknown = Reflect.get(Object(ledger), "life");
  await cell.request(path, "fail", { how, life }, ASK_MS).catch(() => undefined);
}
