// Runs one program to its end: no shell, an environment of its own, both outputs and
// the time bounded, and its whole process group killed whatever happens. A process
// that makes a session of its own leaves the group; it keeps the user and the lack
// of privileges, and dies with the node.
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { CellError } from "../../../../errors/cell-error.ts";
import type { ExecGrant } from "../../../../manifest/tools.ts";
import { withoutInherited } from "../../../inherited.ts";
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

/** What every program gets; a grant's `env` comes on top. */
const BASE_ENV = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", HOME: "/nonexistent" } as const;

/** Throws TOOL_NOT_FOUND, TOOL_TOO_LARGE, or what the signal aborts with. */
export async function performRun(
  { grant, args, stdin, as }: Run,
  { prefix }: Confinement,
  signal: AbortSignal,
): Promise<Deed<ProgramResult>> {
  signal.throwIfAborted();
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
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { exitCode, exitSignal, stdout, stderr } = await ended(child, grant.maxOutputBytes, stdin, kill);
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
    kill();
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

async function ended(
  child: Piped,
  maxBytes: number,
  stdin: Buffer | undefined,
  kill: () => void,
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
  child.on("close", (exitCode, exitSignal) => {
    const stdout = Buffer.concat(outputs.stdout);
    resolve({ exitCode, exitSignal, stdout, stderr: Buffer.concat(outputs.stderr) });
  });
  // It need not read what it is given.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  return await promise;
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
