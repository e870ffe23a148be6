// A process as a link: the channel is an inherited socket pair, its output is
// captured, and it is ended by SIGKILL with all that it may have started.
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { withoutInherited } from "../../inherited.ts";
import { Lines } from "../lines.ts";
import type { LinkEnd, LinkEvents, RemoteLink } from "../link.ts";
import { OutputGate } from "../output-gate.ts";

const CHANNEL = 3;
const MAX_STDERR_CHARS = 8_192;
/** What the process has written is read to its end, but not for ever. */
const CLOSE_TIMEOUT_MS = 500;
/** What it was sent and does not read lies in the node's memory: several times the largest frame. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

const OUT_OF_MEMORY = /heap out of memory|heap limit|out of memory|OOMError|Failed to (?:reserve|allocate)/i;

export type ProcessLinkOptions = {
  readonly command: readonly [string, ...string[]];
  /** Asked when it ended without a word: whether a limit of memory ended it. */
  readonly ranOutOfMemory: () => Promise<boolean>;
};

export class ProcessLink implements RemoteLink {
  bound = "process";
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  /** Resolves when its program is loaded, which its first frame says; never, when it is not. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #ranOutOfMemory: () => Promise<boolean>;
  readonly #over = Promise.withResolvers<void>();
  readonly #loaded = Promise.withResolvers<void>();
  #events: LinkEvents | undefined;
  #early: Uint8Array[] = [];
  #end: LinkEnd | undefined;
  #why: LinkEnd | undefined;
  #stderr = "";
  #isKilled = false;

  constructor({ command: [program, ...args], ranOutOfMemory }: ProcessLinkOptions) {
    this.#ranOutOfMemory = ranOutOfMemory;
    this.gone = this.#over.promise;
    this.ready = this.#loaded.promise;
    // Its own session, nothing of the environment, no working folder of anybody's.
    this.#child = spawn(program, args, {
      stdio: withoutInherited(["ignore", "pipe", "pipe", "pipe"]),
      env: {},
      cwd: "/",
      detached: true,
    });
    this.#channel = channelOf(this.#child);
    this.#channel.on("data", (chunk: Uint8Array) => this.#data(chunk));
    // A broken pipe is told by the process's end.
    this.#channel.on("error", () => {});
    this.#capture("stdout", this.#child.stdout);
    this.#capture("stderr", this.#child.stderr);
    this.#child.on("error", (error) => void this.#ended({ kind: "error", what: error.message }));
    this.#child.once("exit", (code, signal) => this.#exited(code, signal));
  }

  get isAlive(): boolean {
    return this.#end === undefined && !this.#isKilled && this.#child.exitCode === null;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
    for (const chunk of this.#early.splice(0)) events.data(chunk);
    if (this.#end !== undefined) events.ended(this.#end);
  }

  send(frame: Uint8Array): void {
    if (this.#isKilled || !this.#channel.writable) return;
    this.#channel.write(frame);
    if (this.#channel.writableLength <= MAX_UNREAD_BYTES) return;
    const what = `its process leaves more than ${MAX_UNREAD_BYTES / 2 ** 20} MiB unread`;
    this.end({ kind: "memory", what });
    this.#channel.destroy();
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  /** Ends it for this reason, which is then how it ended. */
  end(why: LinkEnd): void {
    this.#why ??= why;
    this.#signal();
  }

  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#signal();
    this.#channel.destroy();
  }

  #signal(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It leads no group of its own yet.
      this.#child.kill("SIGKILL");
    }
  }

  #data(chunk: Uint8Array): void {
    this.#loaded.resolve();
    if (this.#isKilled) return;
    if (this.#events === undefined) this.#early.push(chunk);
    else this.#events.data(chunk);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const found: LinkEnd =
      signal === null
        ? { kind: "exit", what: `it ended its own process with status ${code}` }
        : { kind: "signal", what: `its process was ended by ${signal}` };
    this.#channel.resume();
    // Where this loop itself was late, what lies there to be read is read before it counts.
    const late = setTimeout(() => setImmediate(() => this.#channel.destroy()), CLOSE_TIMEOUT_MS);
    const finish = () => {
      clearTimeout(late);
      void this.#ended(this.#why ?? found);
    };
    if (this.#channel.closed || this.#channel.destroyed) finish();
    else this.#channel.once("close", finish);
  }

  async #ended(end: LinkEnd): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = end;
    const isMemory =
      end.kind !== "memory" && (OUT_OF_MEMORY.test(this.#stderr) || (await this.#ranOutOfMemory()));
    if (isMemory) this.#end = { kind: "memory", what: "its process went beyond its memory" };
    this.#over.resolve();
    this.#events?.ended(this.#end);
  }

  #capture(name: "stdout" | "stderr", stream: Readable | null): void {
    if (stream === null) return;
    const lines = new Lines((line) => this.#events?.output(name, line));
    const gate = new OutputGate(stream);
    gate.onText = (text) => {
      if (name === "stderr") this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARS);
      lines.push(text);
    };
  }
}

function channelOf(child: ChildProcess): Duplex {
  const channel: unknown = child.stdio[CHANNEL];
  if (typeof channel === "object" && channel !== null && "write" in channel && "on" in channel) {
    // Node gives a socket for a pipe beyond standard error.
    return channel as Duplex;
  }
  throw new Error("the process was started without its channel");
}
