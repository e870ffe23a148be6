// What the cradle is told about a process: how to start it and how to know that
// it is up. The cradle itself parses nothing that comes from outside the cell.
import type { FailureClass } from "../../actors/child.ts";

/** How a process says that it is up. */
export type Readiness =
  /** Sends `{ type: "ready", ... }` over its IPC channel. */
  | { readonly kind: "ipc" }
  /** Prints one JSON line with `"ready": true` on its standard output. */
  | { readonly kind: "stdout" }
  /** Accepts a connection on this port of the loopback address. */
  | { readonly kind: "port"; readonly port: number };

/** On this machine: a port of the loopback address, or a Unix socket. */
export type Endpoint = { readonly port: number } | { readonly path: string };

/**
 * A process that prepares itself, says `{ type: "standby" }` over IPC, and takes up
 * work when it is told `{ type: "promote" }`; then it says that it is ready.
 */
export type Takeover = {
  /** Whether a second one is kept in standby, to take over when the first one ends. */
  readonly spare: boolean;
  /** Arguments beside the others for one that is started while another runs. */
  readonly standbyArgs: readonly string[];
  /** From the moment that a process is ready again until its spare is started: it has work to do first. */
  readonly spareDelayMs: number;
};

export type ProcessSpec = {
  /** Name on screen and in the lock file: broker, core, node. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Standard output and error are appended here; cut off at the start when larger than 16 MiB. */
  readonly log: string;
  readonly readiness: Readiness;
  /** Time from spawn to ready; beyond it the process is killed and counts as failed. */
  readonly readyTimeoutMs: number;
  /** Time from the request to stop until it is killed. */
  readonly stopTimeoutMs: number;
  readonly takeover?: Takeover;
  /** Its watching thread sends beats on descriptor 4, see beats.ts. */
  readonly beats?: boolean;
  /** It serves here and speaks first: one that does not is asked again, and killed in the end. */
  readonly speaksFirstAt?: Endpoint;
};

/** What an actor was handling; the intent is empty for an event of the actor's own. */
export type InHand = { readonly actor: string; readonly intent: string };

/** What was in hand when a process ended. */
export type Suspect = InHand & {
  readonly atUnixMs: number;
  /** What the process ended of, when that was its own code's doing; absent: something outside ended it. */
  readonly failure?: FailureClass;
};

/** What a process's own watching thread says of a main thread that does not go on. */
export type Stuck = {
  readonly stuckMs: number;
  readonly stack?: string;
};

/** Why a process ended, as the operating system says it. */
export type ProcessExit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when it could not be started, was not ready in time, or was killed by the cradle. */
  readonly reason?: string;
  readonly stuck?: Stuck;
  /** What it had in hand at its end, or just before. */
  readonly inHand?: InHand;
};
