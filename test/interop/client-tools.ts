// What is done with a client in another language, however it is built.
import { type ExecFileOptions, execFile } from "node:child_process";

export type Said = { readonly stdout: string; readonly stderr: string };

export type ClientTools = {
  /** In which buf finds what makes its generated code. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs its command line; one that ends with 1 has said why. */
  client(creds: string, ...args: readonly string[]): Promise<Said>;
  /** What it makes of vectors, as JSON. */
  vectors(...files: readonly URL[]): Promise<string>;
};

const TIMEOUT_MS = 30_000;

/** Rejects when it cannot be started, is too slow, or ends with anything but 0 or 1. */
export function run(command: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Said> {
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
      ...options,
      encoding: "utf8",
    } as const;
    execFile(command, [...args], settings, (error, stdout, stderr) => {
      if (error === null || error.code === 1) resolve({ stdout, stderr });
      else reject(new Error(`${command} ${args.join(" ")}: ${error.message}\n${stderr}`));
    });
  });
}
