// A worker thread as a link: its own heap limit, no environment, no arguments, its
// output captured, and ended at once even while it spins. It shares the process with
// the node: it keeps a fault from spreading, not an attacker.
import { Worker } from "node:worker_threads";
import { ownCode } from "../../own-code.ts";
import { Lines } from "../lines.ts";
import type { LinkEnd, LinkEvents, RemoteLink } from "../link.ts";
import { OutputGate } from "../output-gate.ts";
import { Credit, creditBuffer } from "./credit.ts";

export const DEFAULT_WORKER_MEMORY_BYTES = 128 * 1024 * 1024;
const MIB = 1024 * 1024;
const MAX_YOUNG_MIB = 16;
const STACK_MIB = 4;

export type WorkerLimits = { readonly memoryBytes?: number; readonly cpu?: number };

/** The node's own, which this thread could read and write in any case; it takes the word back, see entry.ts. */
function compileCache(): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE: folder } = process.env;
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

export class WorkerLink implements RemoteLink {
  readonly bound: string;
  /** Resolves when its program is loaded, which its first frame says, or when it has ended. */
  readonly ready: Promise<void>;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #worker: Worker;
  readonly #credit: Credit;
  #events: LinkEvents | undefined;
  #early: Uint8Array[] = [];
  #paused = false;
  #end: LinkEnd | undefined;
  #isKilled = false;

  constructor({ memoryBytes = DEFAULT_WORKER_MEMORY_BYTES, cpu }: WorkerLimits) {
    const memoryMib = Math.max(8, Math.floor(memoryBytes / MIB));
    const shared = creditBuffer();
    this.#credit = new Credit(shared);
    this.ready = this.#loaded.promise;
    this.bound =
      `worker: its own thread, heap limit ${memoryMib} MiB (buffers are not counted), ended while it spins` +
      `${cpu === undefined ? "" : "; no limit of its processor time"}; no boundary against hostile code`;
    this.#worker = new Worker(ownCode().entry("worker"), {
      argv: [],
      env: compileCache(),
      execArgv: ["--no-warnings"],
      stdout: true,
      stderr: true,
      workerData: shared,
      resourceLimits: {
        maxOldGenerationSizeMb: memoryMib,
        maxYoungGenerationSizeMb: Math.min(MAX_YOUNG_MIB, memoryMib),
        stackSizeMb: STACK_MIB,
      },
    });
    this.#worker.on("message", (bytes: unknown) => this.#message(bytes));
    this.#worker.on("error", (error) => this.#failed(error));
    this.#worker.on("exit", (code) => {
      this.#over({ kind: "exit", what: `it ended its worker thread with status ${code}` });
    });
    this.#capture("stdout");
    this.#capture("stderr");
  }

  get isAlive(): boolean {
    return this.#end === undefined && !this.#isKilled;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
    this.#drain();
    if (this.#end !== undefined) events.ended(this.#end);
  }

  send(frame: Uint8Array): void {
    if (!this.#isKilled && this.#end === undefined) this.#worker.postMessage(frame);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#early = [];
    void this.#worker.terminate();
  }

  #message(bytes: unknown): void {
    this.#loaded.resolve();
    if (!(bytes instanceof Uint8Array) || this.#isKilled) return;
    this.#early.push(bytes);
    this.#drain();
  }

  #drain(): void {
    while (!this.#paused && this.#events !== undefined) {
      const next = this.#early.shift();
      if (next === undefined) return;
      this.#credit.give(next.byteLength);
      this.#events.data(next);
    }
  }

  #failed(error: unknown): void {
    const isMemory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const message = error instanceof Error ? error.message : String(error);
    this.#over(
      isMemory
        ? { kind: "memory", what: "its worker thread went beyond its heap limit" }
        : { kind: "error", what: `its worker thread failed: ${message.slice(0, 1000)}` },
    );
  }

  #over(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#loaded.resolve();
    this.#paused = false;
    this.#drain();
    this.#events?.ended(end);
  }

  #capture(name: "stdout" | "stderr"): void {
    const lines = new Lines((line) => this.#events?.output(name, line));
    const gate = new OutputGate(this.#worker[name]);
    gate.onText = (text) => lines.push(text);
  }
}
