// Starts the sandbox process: Node under its permission model with read access
// to the behaviour's own files, installed packages and this package's code; no
// network, no child processes, no environment; bounded time, memory and output.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { codeFolder, ownModule } from "../loader/own-package.ts";

export type SandboxLimits = {
  readonly timeoutMs: number;
  readonly memoryMiB: number;
};

export type SandboxEnd =
  | { readonly kind: "exited"; readonly stdout: string }
  | { readonly kind: "timeout" }
  | { readonly kind: "memory" }
  | { readonly kind: "broken"; readonly reason: string };

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
const MAX_STDERR_CHARS = 4_096;

const HARDENING = [
  "--permission",
  "--no-addons",
  "--no-experimental-sqlite",
  "--disallow-code-generation-from-strings",
  "--disable-proto=delete",
  "--no-warnings",
];

/** A spinning process hears nothing; where the system can, it ends with its parent. */
const SETPRIV = "/usr/bin/setpriv";
const DIES_WITH_PARENT = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL", "--no-new-privs"] : [];

/** Runs the probe's entry with `input` on its standard input. @param readable files it may read */
export async function runSandbox(
  readable: readonly string[],
  input: string,
  limits: SandboxLimits,
): Promise<SandboxEnd> {
  const entry = fileURLToPath(ownModule("actors/probe/entry"));
  const allowed = [...new Set([...readable.flatMap(withManifests), ...ownFiles(), ...packagesOf(readable)])];
  const args = [
    ...HARDENING,
    `--max-old-space-size=${limits.memoryMiB}`,
    ...allowed.map((path) => `--allow-fs-read=${path}`),
    entry,
  ];
  // Its own session: nothing of it shares this terminal.
  const [command, ...prefix] = [...DIES_WITH_PARENT, process.execPath];
  const child = spawn(command ?? process.execPath, [...prefix, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {},
    cwd: dirname(entry),
    detached: true,
    windowsHide: true,
  });
  return endOf(child, input, limits);
}

/** A file, and the package.json files by which Node tells its module type. */
function withManifests(file: string): string[] {
  const paths = [file];
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    paths.push(join(folder, "package.json"));
    if (dirname(folder) === folder) return paths;
  }
}

/** This package's code and manifest, and the packages installed beside it. */
function ownFiles(): string[] {
  const code = fileURLToPath(codeFolder);
  return [code, join(code, "..", "package.json"), ...packagesOf([code])];
}

/** The node_modules folders that code in these places resolves packages from. */
function packagesOf(files: readonly string[]): string[] {
  const found = new Set<string>();
  for (const file of files) {
    for (let folder = file; dirname(folder) !== folder; folder = dirname(folder)) {
      const packages = join(dirname(folder), "node_modules");
      if (!found.has(packages) && existsSync(packages)) found.add(packages);
    }
  }
  return [...found].flatMap((path) => [path, realpathSync(path)]);
}

async function endOf(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  input: string,
  { timeoutMs }: SandboxLimits,
): Promise<SandboxEnd> {
  const { promise, resolve } = Promise.withResolvers<SandboxEnd>();
  const chunks: Buffer[] = [];
  let size = 0;
  let stderr = "";
  const end = (reason: SandboxEnd): void => {
    resolve(reason);
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => end({ kind: "timeout" }), timeoutMs);
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > MAX_OUTPUT_BYTES) end({ kind: "broken", reason: "it prints without end" });
    else chunks.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < MAX_STDERR_CHARS) stderr += chunk.toString("utf8");
  });
  child.on("error", (error) => end({ kind: "broken", reason: error.message }));
  child.on("close", (code, signal) => {
    if (code === 0) resolve({ kind: "exited", stdout: Buffer.concat(chunks).toString("utf8") });
    else if (/heap out of memory|heap limit/i.test(stderr)) resolve({ kind: "memory" });
    else
      resolve({
        kind: "broken",
        reason: `it ended with ${signal ?? `status ${code}`}: ${stderr.slice(0, 500)}`,
      });
  });
  // A process that dies at once closes its end of the pipe.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
