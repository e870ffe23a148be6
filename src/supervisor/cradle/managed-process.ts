// One process of the cradle, from spawn to exit. It owns the child, its log file
// and its readiness; it decides nothing about starting again.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, statSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import { type Beats, followBeats } from "./beats.ts";
import { failureOfExit } from "./describe-exit.ts";
import { OUT_OF_MEMORY, watchMemoryEnds } from "./out-of-memory.ts";
import { dyingWithParent } from "./parent-death.ts";
import type { ProcessExit, ProcessSpec } from "./process-spec.ts";

const MAX_LOG_BYTES = 16 * 1024 * 1024;
const PORT_PROBE_MS = 20;
/** After the standard ones and IPC. */
const BEATS_DESCRIPTOR = 4;

export type ManagedProcess = {
  readonly spec: ProcessSpec;
  readonly pid: number | undefined;
  /** Resolves when a process that takes over has prepared itself. */
  readonly standby: Promise<unknown>;
  /** Resolves with what the process said when it was up; rejects never: a process that ends first leaves it pending. */
  readonly ready: Promise<unknown>;
  readonly exited: Promise<ProcessExit>;
  /** What its watching thread says, where it has one. */
  readonly beats: Beats | undefined;
  /** From now on it is to be ready within the spec's time. */
  expectReady(): void;
  /** Asks it to end, and kills it after the spec's stop timeout. */
  stop(): Promise<ProcessExit>;
  /** @param reason why, when it is the cradle's own doing */
  kill(reason?: string): Promise<ProcessExit>;
  /** Sends over its IPC channel, when it has one. */
  send(message: object): void;
};

/**
 * Starts a process in a session of its own, so that a terminal's Ctrl-C reaches
 * the cradle only, which then stops its children in order.
 * @param onMessage what it says over IPC beside its readiness
 */
export function startProcess(spec: ProcessSpec, onMessage: (message: unknown) => void): ManagedProcess {
  const log = openLog(spec.log);
  const child = spawnWithParentDeath(spec, log);
  closeSync(log);
  const beats = spec.beats === true ? followBeats(child.stdio[BEATS_DESCRIPTOR]) : undefined;
  let failure: string | undefined;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, reason: error.message }));
    const memory = watchMemoryEnds();
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL" && memory.hasEnded()) failure ??= OUT_OF_MEMORY;
      memory.stop();
      const exit = { code, signal, ...(failure === undefined ? {} : { reason: failure }) };
      resolve(beats === undefined ? exit : withBeats(exit, beats));
    });
  });
  const { standby, ready } = readinessOf(spec, child, onMessage);
  const kill = (reason?: string) => {
    failure ??= reason;
    child.kill("SIGKILL");
    return exited;
  };
  const expectReady = () => {
    const timer = setTimeout(
      () => void kill(`not ready after ${spec.readyTimeoutMs} ms`),
      spec.readyTimeoutMs,
    );
    const settle = () => clearTimeout(timer);
    void ready.then(settle);
    void exited.then(settle);
  };
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return exited;
    if (child.connected) child.send({ type: "stop" }, () => {});
    else child.kill("SIGTERM");
    const killer = setTimeout(kill, spec.stopTimeoutMs);
    const exit = await exited;
    clearTimeout(killer);
    return exit;
  };
  const send = (message: object) => {
    if (child.connected) child.send(message, () => {});
  };
  return { spec, pid: child.pid, standby, ready, exited, beats, expectReady, stop, kill, send };
}

/** Memory runs out in whatever asks for more: then who used the process most of late counts. */
function withBeats(exit: ProcessExit, beats: Beats): ProcessExit {
  const known = { ...exit, ...beats.atEnd() };
  const lately = failureOfExit(known) === "exhaustion" ? beats.lately() : undefined;
  return known.inHand === undefined && lately !== undefined ? { ...known, inHand: lately } : known;
}

function spawnWithParentDeath(spec: ProcessSpec, log: number): ChildProcess {
  const { command, args } = dyingWithParent(spec);
  const usesIpc = spec.readiness.kind === "ipc";
  const readsStdout = spec.readiness.kind === "stdout";
  return spawn(command, [...args], {
    cwd: spec.cwd,
    env: { ...spec.env },
    detached: true,
    // A pipe as standard input is what `--exit-with-parent` listens on.
    stdio: [
      "pipe",
      readsStdout ? "pipe" : log,
      log,
      ...(usesIpc ? (["ipc"] as const) : []),
      ...(spec.beats === true ? (["pipe"] as const) : []),
    ],
  });
}

function openLog(path: string): number {
  if (existsSync(path) && statSync(path).size > MAX_LOG_BYTES) truncateSync(path);
  return openSync(path, "a", 0o600);
}

type Said = { readonly standby: Promise<unknown>; readonly ready: Promise<unknown> };

function readinessOf(spec: ProcessSpec, child: ChildProcess, onMessage: (message: unknown) => void): Said {
  switch (spec.readiness.kind) {
    case "ipc":
      return saidByIpc(child, onMessage);
    case "stdout":
      return once(readyByStdout(child));
    case "port":
      return once(readyByPort(spec.readiness.port, child));
  }
}

const once = (ready: Promise<unknown>): Said => ({ standby: ready, ready });

function saidByIpc(child: ChildProcess, onMessage: (message: unknown) => void): Said {
  const standby = Promise.withResolvers<unknown>();
  const ready = Promise.withResolvers<unknown>();
  child.on("message", (message) => {
    if (isOf(message, "ready")) ready.resolve(message);
    else if (isOf(message, "standby")) standby.resolve(message);
    else onMessage(message);
  });
  return { standby: standby.promise, ready: ready.promise };
}

const isOf = (message: unknown, type: string): boolean =>
  typeof message === "object" && message !== null && "type" in message && message.type === type;

/** Takes the first JSON line with `"ready": true`; what follows is read and dropped. */
function readyByStdout(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    let pending = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (pending.length > 64 * 1024) return;
      pending += text;
      for (const line of pending.split("\n").slice(0, -1)) {
        const said = parseLine(line);
        if (said !== undefined) resolve(said);
      }
      pending = pending.slice(pending.lastIndexOf("\n") + 1);
    });
  });
}

/** The object of a line that says `"ready": true`. */
function parseLine(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "ready" in value && value.ready === true
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function readyByPort(port: number, child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const probe = () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => {
        socket.destroy();
        resolve({ port });
      });
      socket.once("error", () => setTimeout(probe, PORT_PROBE_MS));
    };
    probe();
  });
}
