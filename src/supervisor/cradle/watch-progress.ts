// Ends a process that lives and does not go on: its own watching thread says that it is
// stuck, it sends no beats, or it leaves a new connection unanswered. Which silence is too
// long is for the silence rule to decide.
import { readFileSync } from "node:fs";
import { DEAF_MS, decideSilence } from "./decide-silence.ts";
import { probe } from "./liveness-probe.ts";
import type { ManagedProcess } from "./managed-process.ts";

const LOOK_MS = 50;
/** A server that takes a connection and says nothing may have no descriptor left, or no processor: it gets longer. */
const MUTE_MS = 10_000;

/** From now until its end; of a process that is ready. */
export function watchProgress(process: ManagedProcess): void {
  const { beats, pid, spec } = process;
  if (pid === undefined) return;
  void beats?.stuck.then(({ stuckMs }) => process.kill(`stuck for ${stuckMs} ms`));
  if (beats !== undefined) watchSilence(process, pid, DEAF_MS, () => beats.lastMs() ?? 0);
  if (spec.speaksFirstAt === undefined) return;
  const answers = probe(spec.speaksFirstAt);
  watchSilence(process, pid, MUTE_MS, () => answers.owedSinceMs() ?? performance.now());
  void process.exited.then(() => answers.stop());
}

/** @param heardMs until when it is known to have gone on, on the monotonic clock */
function watchSilence(process: ManagedProcess, pid: number, deafMs: number, heardMs: () => number): void {
  const startedMs = performance.now();
  let state = { lookedAtMs: startedMs, excusedMs: startedMs };
  const timer = setInterval(() => {
    const look = { nowMs: performance.now(), heardMs: heardMs(), deafMs, stopped: () => isStopped(pid) };
    const decision = decideSilence(state, look);
    state = decision.state;
    if (decision.kill !== undefined) void process.kill(decision.kill);
  }, LOOK_MS);
  void process.exited.then(() => clearInterval(timer));
}

/** Undefined where there is no /proc. */
function isStopped(pid: number): boolean | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return undefined;
  }
}
