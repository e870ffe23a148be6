// What a drill needs of the cell that it drills and of time. A real cell is behind it in
// a run; tests put cells with a broken recovery there, to see the judge find them out.

export type Clock = {
  /** Monotonic milliseconds of the client. */
  nowMs(): number;
  /** Unix milliseconds with their fractions: the same for all processes of a machine. */
  unixMs(): number;
  /** Calls back each so many milliseconds; returns how to end that. */
  every(ms: number, tick: () => void): () => void;
  /** Keeps no process alive by itself. */
  after(ms: number): Promise<void>;
};

/** Name of the only node of a drilled cell. */
export const NODE = "a";

/** In the place of an actor's path. */
export const NODE_PROCESS = Symbol("the node's process");

export type ProcessName = "cradle" | "broker" | "core" | "node" | "node-spare";

export type Incarnation = { readonly term: number; readonly activation: number };

export type DrilledCell = {
  /** Sends an intent with the client library and resolves with its reply's value; rejects with a CellError. */
  request(target: string, intent: string, payload: unknown, timeoutMs: number): Promise<unknown>;
  /** What the registry says; undefined when it says nothing. */
  incarnation(path: string): Promise<Incarnation | undefined>;
  /** Of a process that this cell's cradle runs now. */
  pid(name: ProcessName): Promise<number>;
  /** Signals processes of this cell, and of no other, in one go. @throws CellError DRILL_PROCESS_FOREIGN */
  signal(pids: readonly number[], signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Processes that the cradle brought back since the cell was started, each with its cause. */
  deaths(): readonly string[];
  /**
   * When the cell noticed that an actor, or the node's process, had no memory left: the first time since
   * then, Unix milliseconds. Undefined: it has not said so.
   */
  exhaustedAt(whose: string | typeof NODE_PROCESS, sinceUnixMs: number): number | undefined;
  /** Asks the node's drill actor for a fault. */
  fault(intent: string, payload: unknown): Promise<unknown>;
  /**
   * Writes over an actor's newest commit, by a connection that is no node's. Resolves with when the write left,
   * monotonic milliseconds of the client. Throws what the broker refuses.
   */
  overwriteCommit(path: string): Promise<number>;
  /** Restarts through the registry, as `cell0 restart` does. */
  restartKernel(): Promise<void>;
  /** As `cell0 start` does. */
  start(path: string): Promise<void>;
  /** Resolves when a second process of the node stands by. @param pid of the first */
  spareBeside(pid: number): Promise<void>;
  stop(): Promise<void>;
};

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => performance.timeOrigin + performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
  after: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms).unref();
    }),
};
