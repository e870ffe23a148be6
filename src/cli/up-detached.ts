// `cell0 up --detach`: the same command as a process of its own, in a session of
// its own; this one waits until it is up, or passes on why it is not.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

const READY_TIMEOUT_MS = 120_000;
const TAIL_BYTES = 4096;

export async function detach(context: Context): Promise<ExitCode> {
  mkdirSync(context.dir.logDirectory, { recursive: true, mode: 0o700 });
  const log = join(context.dir.logDirectory, "up.log");
  const output = openSync(log, "w", 0o600);
  const args = process.argv.slice(1).filter((arg) => arg !== "-d" && arg !== "--detach");
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    stdio: ["ignore", output, output, "ipc"],
  });
  const { promise, resolve } = Promise.withResolvers<"up" | "ended" | "late">();
  const timer = setTimeout(() => resolve("late"), READY_TIMEOUT_MS);
  child.once("message", () => resolve("up"));
  child.once("exit", () => resolve("ended"));
  context.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  const outcome = await promise;
  clearTimeout(timer);
  context.terminal.out(readFileSync(log, "utf8"));
  if (outcome === "up") {
    child.disconnect();
    child.unref();
    return exitCodes.ok;
  }
  if (outcome === "late") child.kill("SIGTERM");
  throw new CellError("CELL_PROCESS_FAILED", tail(log), { where: log });
}

function tail(log: string): string {
  const lines = readFileSync(log, "utf8").slice(-TAIL_BYTES).trim().split("\n");
  return `the cell did not come up: ${lines.at(-1) ?? "it said nothing"}`;
}
