// The cradle as the process of `cell0 up` sees it: a process of its own, started at once,
// told later what to run. Neither outlives the other: when this process is gone the cradle
// ends its children, and itself.
import { spawn } from "node:child_process";
import type { OwnCode } from "../actors/own-code.ts";
import type { CradleEnd, CradleEvent } from "../supervisor/cradle/cradle.ts";
import { type CradleOrder, type Pids, readReport } from "../supervisor/cradle/cradle-channel.ts";
import { dyingWithParent } from "../supervisor/cradle/parent-death.ts";
import type { ProcessSpec } from "../supervisor/cradle/process-spec.ts";
import type { RestartRules } from "../supervisor/cradle/restart-policy.ts";

/** A cradle that does not act by then is killed: on Linux its children die with it. */
const KILL_TIMEOUT_MS = 2_000;
/** It watches some processes and keeps nothing: a small heap, collected often. */
const SMALL = ["--max-old-space-size=64", "--max-semi-space-size=1"];

export type CradleProcessEnd = CradleEnd & {
  /** How the cradle itself ended, when it did not say that all is over. */
  readonly lost?: string;
};

export type CradleProcess = {
  /** Resolves when it is gone. */
  readonly ended: Promise<CradleProcessEnd>;
  run(specs: readonly ProcessSpec[], rules: RestartRules): void;
  /** What is started from now on is started as these say. */
  update(specs: readonly ProcessSpec[]): void;
  /** Stops all processes in reverse start order, each with its own grace; resolves when it is gone. */
  stop(): Promise<void>;
  /** Kills all at once. */
  kill(): Promise<void>;
};

export type CradleListener = {
  event(event: CradleEvent): void;
  /** Processes that run, the cradle among them. */
  pids(pids: Pids): void;
};

/** In a session of its own, so that a terminal's Ctrl-C reaches this process only. */
export function spawnCradle(code: OwnCode, listener: CradleListener): CradleProcess {
  const node = { command: process.execPath, args: ["--disable-sigusr1", ...SMALL, code.entry("cradle")] };
  const { command, args } = dyingWithParent(node);
  const { NODE_COMPILE_CACHE: cache } = process.env;
  const child = spawn(command, [...args], {
    detached: true,
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    // Its standard output is this one's standard error: a /dev/null that only root may write to,
    // which is met on some machines, must not keep a cell from coming up.
    stdio: ["ignore", 2, "inherit", "ipc"],
  });
  let end: CradleEnd | undefined;
  child.on("message", (message) => {
    const report = readReport(message);
    if (report?.type === "event") listener.event(report.event);
    if (report?.type === "pids") listener.pids({ cradle: child.pid ?? 0, ...report.pids });
    if (report?.type === "ended") end = report.end;
  });
  const ended = new Promise<CradleProcessEnd>((resolve) => {
    child.once("error", (error) => resolve({ lost: error.message }));
    child.once("exit", (code, signal) => resolve(end ?? { lost: signal ?? `exit code ${code}` }));
  });
  const order = (each: CradleOrder) => {
    if (child.connected) child.send(each, () => {});
  };
  let runs = false;
  return {
    ended,
    run(specs, rules) {
      runs = true;
      order({ type: "run", specs, rules });
    },
    update: (specs) => order({ type: "update", specs }),
    async stop() {
      // Without anything to stop it need not come up first.
      if (runs) order({ type: "stop" });
      else child.kill("SIGKILL");
      await ended;
    },
    async kill() {
      order({ type: "kill" });
      const killer = setTimeout(() => child.kill("SIGKILL"), KILL_TIMEOUT_MS);
      await ended;
      clearTimeout(killer);
    },
  };
}
