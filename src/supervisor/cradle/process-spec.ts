// What the cradle is told about a process: how to start it and how to know that
// it is up. The cradle itself parses nothing that comes from outside the cell.

/** How a process says that it is up. */
export type Readiness =
  /** Sends `{ type: "ready", ... }` over its IPC channel. */
  | { readonly kind: "ipc" }
  /** Prints one JSON line with `"ready": true` on its standard output. */
  | { readonly kind: "stdout" }
  /** Accepts a connection on this port of the loopback address. */
  | { readonly kind: "port"; readonly port: number };

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
};

/** Why a process ended, as the operating system says it. */
export type ProcessExit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when it could not be started, or was not ready in time. */
  readonly reason?: string;
};
