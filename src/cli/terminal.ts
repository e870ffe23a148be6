// The world outside the command line: streams, environment, clock. Commands
// touch it through this interface only, so that tests can stand in for it.
import process from "node:process";

export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  outBytes(bytes: Uint8Array): void;
  /** Bytes of standard input, until its end. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly isTerminal: { readonly input: boolean; readonly output: boolean; readonly error: boolean };
  /** Columns of the output; 100 where nobody knows. */
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly cwd: string;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** From now on the process goes on when nobody reads its output any more; what it prints then is dropped. */
  surviveLostOutput?(): void;
  /** Calls back on SIGINT and SIGTERM; returns how to stop that. */
  onInterrupt(listener: () => void): () => void;
  /** Asks for one line; `hidden` shows nothing of what is typed. Only on a terminal. */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>;
};

export function processTerminal(): Terminal {
  let survives = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: Error) => {
      if (!survives) leaveOnClosedPipe(error);
    });
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outBytes: (bytes) => void process.stdout.write(bytes),
    get input() {
      return process.stdin;
    },
    isTerminal: {
      input: process.stdin.isTTY === true,
      output: process.stdout.isTTY === true,
      error: process.stderr.isTTY === true,
    },
    get columns() {
      return process.stdout.columns ?? 100;
    },
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    surviveLostOutput() {
      survives = true;
    },
    onInterrupt(listener) {
      process.once("SIGINT", listener);
      process.once("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
    ask,
  };
}

/** `cell0 logs | head` closes the pipe early: that is no fault. */
function leaveOnClosedPipe(error: Error): void {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
  throw error;
}

async function ask(question: string, options: { readonly hidden?: boolean } = {}): Promise<string> {
  const { createInterface } = await import("node:readline");
  const { Writable } = await import("node:stream");
  const hidden = options.hidden === true;
  // readline echoes to its output: a sink that drops everything hides the line.
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({
    input: process.stdin,
    output: hidden ? sink : process.stderr,
    terminal: true,
  });
  if (hidden) process.stderr.write(question);
  return await new Promise<string>((resolve, reject) => {
    let answer: string | undefined;
    line.on("SIGINT", () => line.close());
    line.on("close", () => {
      if (hidden) process.stderr.write("\n");
      if (answer === undefined) reject(new Error("the question was not answered"));
      else resolve(answer);
    });
    line.question(hidden ? "" : question, (text) => {
      answer = text;
      line.close();
    });
  });
}
