// Runs one program to its end: no shell, an environment of its own, both outputs and
// the time bounded, and its whole process group killed whatever happens. A process
// that makes a session of its own leaves the group: where each run has a user of its
// own, all that runs as that user is ended; elsewhere it keeps its bounds and goes on.
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { CellError } from "../../../../errors/cell-error.ts";
import type { ExecGrant } from "../../../../manifest/tools.ts";
import { withoutInherited } from "../../../inherited.ts";
import { endAllOf } from "../../../isolation/process/end-all-of.ts";
import type { Users } from "../../../isolation/process/users.ts";
import { encodeContent } from "../contents.ts";
import type { ExecRequest, ProgramResult } from "../contract.ts";
import type { Deed } from "../tool-call.ts";
import type { Confinement } from "./confine.ts";

export type Run = {
  readonly grant: ExecGrant;
  readonly args: readonly string[];
  readonly stdin: Buffer | undefined;
  readonly as: ExecRequest["as"];
};

/** Users that nothing else runs as. */
export type UserPool = Pick<Users, "claim" | "release">;
export type Ground = { readonly held: Confinement; readonly users: UserPool };

/** Outputs that something still holds open at the end are read for so long. */
const CLOSE_TIMEOUT_MS = 500;

/** What every program gets; a grant's `env` comes on top. */
const BASE_ENV = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", HOME: "/nonexistent" } as const;

/** Throws TOOL_NOT_FOUND, TOOL_TOO_LARGE, TOOL_FAILED, or what the signal aborts with. */
export async function performRun(
  run: Run,
  { held, users }: Ground,
  signal: AbortSignal,
): Promise<Deed<ProgramResult>> {
  signal.throwIfAborted();
  const { ownUser } = held;
  if (ownUser === undefined) return await runAs(run, held.prefix(undefined), undefined, signal);
  const user = await users.claim();
  // Never the node's own in its place.
  if (user === undefined) throw new CellError("TOOL_FAILED", "no user of its own is to be had for a program");
  // One at a time, and all of them before the user may be another's.
  let ending: Promise<boolean> = Promise.resolve(true);
  const endRest = () => {
    ending = ending.then(() => endAllOf(user, ownUser));
    return ending;
  };
  try {
    return await runAs(run, held.prefix(user), endRest, signal);
  } finally {
    if (await endRest()) users.release(user);
  }
}

/** @param endRest ends what left the group */
async function runAs(
  { grant, args, stdin, as }: Run,
  prefix: readonly string[],
  endRest: (() => Promise<boolean>) | undefined,
  signal: AbortSignal,
): Promise<Deed<ProgramResult>> {
  const [command = grant.program, ...rest] = [...prefix, grant.program, ...args];
  const child: Piped = piped(
    spawn(command, rest, {
      cwd: grant.cwd ?? "/",
      env: { ...BASE_ENV, ...grant.env },
      stdio: withoutInherited(["pipe", "pipe", "pipe"]),
      shell: false,
      // A process group of its own, which can be killed whole.
      detached: true,
    }),
  );
  const close = new AbortController();
  const kill = () => {
    killGroup(child);
    void endRest?.();
    close.abort();
  };
  signal.addEventListener("abort", kill, { once: true });
  try {
    const limits = { maxBytes: grant.maxOutputBytes, kill, over: close.signal };
    const { exitCode, exitSignal, stdout, stderr } = await ended(child, stdin, limits);
    signal.throwIfAborted();
    const out = encodeContent(stdout, as);
    const texts = out.encoding === "text" ? encodeContent(stderr, "text") : encodeContent(stderr, "base64");
    const encoding = texts.encoding;
    const reply = {
      exitCode,
      signal: exitSignal,
      stdout: encoding === out.encoding ? out.content : stdout.toString("base64"),
      stderr: texts.content,
      encoding,
    };
    const outcome = exitSignal === null ? `exit ${exitCode}` : exitSignal;
    return { reply, outcome, bytesIn: stdout.length + stderr.length, bytesOut: stdin?.length ?? 0 };
  } finally {
    signal.removeEventListener("abort", kill);
    killGroup(child);
  }
}

type Piped = ChildProcess & {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
};

function piped(child: ChildProcess): Piped {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError("a program without pipes");
  return Object.assign(child, { stdin, stdout, stderr });
}

type End = {
  readonly exitCode: number | null;
  readonly exitSignal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
};

type Bounds = {
  readonly maxBytes: number;
  readonly kill: () => void;
  /** It was killed, or has ended. */
  readonly over: AbortSignal;
};

async function ended(
  child: Piped,
  stdin: Buffer | undefined,
  { maxBytes, kill, over }: Bounds,
): Promise<End> {
  const { promise, resolve, reject } = Promise.withResolvers<End>();
  const outputs: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  let size = 0;
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) {
        outputs[name].push(chunk);
        return;
      }
      reject(new CellError("TOOL_TOO_LARGE", `the program printed more than ${maxBytes} bytes`));
      kill();
    });
  }
  child.on("error", (cause) => {
    const isMissing = "code" in cause && cause.code === "ENOENT";
    reject(
      isMissing
        ? new CellError("TOOL_NOT_FOUND", "the program or its working directory is not there", { cause })
        : cause,
    );
  });
  // What it started may hold the outputs open after its end; it has no say any more.
  child.on("exit", kill);
  let late: NodeJS.Timeout | undefined;
  const isOver = () => {
    late = setTimeout(() => letGo(child), CLOSE_TIMEOUT_MS);
  };
  over.addEventListener("abort", isOver, { once: true });
  child.on("close", (exitCode, exitSignal) => {
    const stdout = Buffer.concat(outputs.stdout);
    resolve({ exitCode, exitSignal, stdout, stderr: Buffer.concat(outputs.stderr) });
  });
  // It need not read what it is given.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  try {
    return await promise;
  } finally {
    over.removeEventListener("abort", isOver);
    clearTimeout(late);
    letGo(child);
  }
}

/** Its end is told once its outputs are closed, here when nowhere else. */
function letGo(child: Piped): void {
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.destroy();
}

function killGroup({ pid }: Piped): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Nobody is left in it.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
