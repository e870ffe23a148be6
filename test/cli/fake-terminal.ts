// A terminal for tests: records what is printed, answers what is asked.
import type { OpenCell } from "../../src/cli/cell-port.ts";
import { main } from "../../src/cli/main.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

export type FakeTerminalOptions = {
  readonly input?: string | Uint8Array;
  readonly isTerminal?: Partial<Terminal["isTerminal"]>;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly nowUnixMs?: number;
  readonly answers?: readonly string[];
};

export type Run = {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Uint8Array;
  readonly questions: readonly string[];
  /** Each line of the output as JSON. */
  json(): unknown[];
};

export function fakeTerminal(options: FakeTerminalOptions = {}) {
  const written = { out: "", err: "", bytes: new Uint8Array() };
  const questions: string[] = [];
  const answers = [...(options.answers ?? [])];
  const interrupts = new Set<() => void>();
  const terminal: Terminal = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    outBytes: (bytes) => {
      written.bytes = Buffer.concat([written.bytes, bytes]);
    },
    input: inputOf(options.input ?? ""),
    isTerminal: { input: false, output: false, error: false, ...options.isTerminal },
    columns: 100,
    env: { PATH: process.env.PATH ?? "", ...options.env },
    cwd: options.cwd ?? process.cwd(),
    now: () => options.nowUnixMs ?? Date.now(),
    onInterrupt(listener) {
      interrupts.add(listener);
      return () => interrupts.delete(listener);
    },
    ask: async (question) => {
      questions.push(question);
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nobody answers: ${question}`);
      return answer;
    },
  };
  const interrupt = () => {
    for (const listener of interrupts) listener();
  };
  return { terminal, written, questions, interrupt };
}

async function* inputOf(input: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  if (bytes.length > 0) yield bytes;
}

/** Runs the command line in this process. */
export async function run(
  argv: readonly string[],
  options: FakeTerminalOptions & { readonly openCell?: OpenCell } = {},
): Promise<Run> {
  const { terminal, written, questions } = fakeTerminal(options);
  const exitCode = await main(argv, terminal, options.openCell);
  return {
    exitCode,
    ...written,
    questions,
    json: () =>
      written.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
}
