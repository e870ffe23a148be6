// `cell0 down`: asks the process that holds the data directory to stop in order,
// and waits until it is gone.
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { isAlive, type LockHolder, readHolder } from "../runtime/lock.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { action } from "./session.ts";

/** Drain, then the core and the broker, with room. */
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

export function registerDown(program: Command): void {
  const command = program
    .command("down")
    .description("Stop the cell that runs from the data directory: in order, then it is gone.")
    .option("--now", "kill its processes at once instead")
    .action(action((context, options: { now?: boolean }) => runDown(context, options.now === true)));
  documented(command, {
    examples: [
      ["cell0 down", "stop the cell of .cell0"],
      ["cell0 --data-dir b down", "stop another one"],
    ],
    exits: ["unreachable"],
    notes: "Succeeds when nothing runs.",
  });
}

async function runDown(context: Context, now: boolean): Promise<ExitCode> {
  const holder = await readHolder(context.dir);
  if (holder === undefined || !isAlive(holder)) {
    context.print("Nothing runs from this directory.");
    context.printJson({ stopped: false, pid: null });
    return exitCodes.ok;
  }
  process.kill(holder.pid, "SIGTERM");
  if (now) process.kill(holder.pid, "SIGTERM");
  await waitForEnd(context, holder);
  context.print(`Stopped node ${holder.node} (process ${holder.pid}).`);
  context.printJson({ stopped: true, pid: holder.pid, node: holder.node });
  return exitCodes.ok;
}

async function waitForEnd(context: Context, holder: LockHolder): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (isAlive(holder)) {
    if (performance.now() > deadline) {
      throw new CellError(
        "CELL_PROCESS_FAILED",
        `process ${holder.pid} did not stop within ${STOP_TIMEOUT_MS} ms`,
        {
          where: context.dir.root,
          remedy: "run `cell0 down --now`",
        },
      );
    }
    await delay(POLL_MS, undefined, { signal: context.signal });
  }
}
