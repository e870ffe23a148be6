// Kills of what runs actors: the kernel inside its process, the processes, and two of them
// one upon the other.
import { setTimeout as pause } from "node:timers/promises";
import type { OwnCell } from "../../src/drill/cell.ts";
import type { ProcessName } from "../../src/drill/ports.ts";
import type { Kill } from "./plan.ts";

const REPLACED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** @throws what kept it from being done: nothing is there to be killed, or it lives on */
export async function killProcess(cell: OwnCell, { kind, gapMs }: Kill): Promise<void> {
  switch (kind) {
    case "kernel":
      return await cell.restartKernel();
    case "stop-node":
      return await stop(cell, "node");
    case "stop-core":
      return await stop(cell, "core");
    case "stop-broker":
      return await stop(cell, "broker");
    case "pause-node": {
      const pid = await signal(cell, "SIGSTOP", "node");
      await pause(gapMs);
      await ifThere(async () => cell.signal([pid], "SIGCONT"));
      if ((await cell.pid("node").catch(() => 0)) === pid)
        throw new Error("it was woken before it was missed");
      return;
    }
    case "broker-and-node":
      return void (await signal(cell, "SIGKILL", "broker", "node"));
    case "node-twice":
      await signal(cell, "SIGKILL", "node");
      await pause(gapMs);
      return await ifThere(() => signal(cell, "SIGKILL", "node"));
    case "broker-then-node":
      await signal(cell, "SIGKILL", "broker");
      await pause(gapMs / 4);
      return await ifThere(() => signal(cell, "SIGKILL", "node"));
    case "cradle":
      return await cell.revive();
    case "node":
    case "core":
    case "broker":
      return void (await signal(cell, "SIGKILL", kind));
    default:
      throw new RangeError(`${kind} kills no process`);
  }
}

/** @returns the first one's pid */
async function signal(
  cell: OwnCell,
  name: "SIGKILL" | "SIGSTOP",
  ...processes: readonly ProcessName[]
): Promise<number> {
  const pids = await Promise.all(processes.map((each) => cell.pid(each)));
  cell.signal(pids, name);
  return pids[0] ?? 0;
}

/** Resolves when another runs in its place. */
async function stop(cell: OwnCell, name: ProcessName): Promise<void> {
  const pid = await signal(cell, "SIGSTOP", name);
  const untilMs = performance.now() + REPLACED_WITHIN_MS;
  while (performance.now() < untilMs) {
    if ((await cell.pid(name).catch(() => pid)) !== pid) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`nobody noticed that the ${name} stood still`);
}

/** The second of two kills: by then the cradle may have ended the process, or not yet have another. */
async function ifThere(kill: () => Promise<unknown>): Promise<void> {
  await kill().catch(() => undefined);
}
