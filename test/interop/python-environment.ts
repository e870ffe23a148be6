// A Python of its own for these tests: a virtual environment with the pinned
// requirements, made once and kept in .tools, named after what is in it.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "..", "..");
const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");
const INSTALL_TIMEOUT_MS = 300_000;

/** Why there is no Python for these tests on this machine; undefined: there is. */
export async function whyNoPython(): Promise<string | undefined> {
  try {
    await run("python3", ["-c", "import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))"]);
    return undefined;
  } catch {
    return "python3 (3.10 or newer, with venv) is not on this machine";
  }
}

export type Python = {
  /** Runs a script of this folder; what it prints. Rejects with what it says when it fails. */
  run(script: string, ...args: readonly string[]): Promise<string>;
};

export async function makePython(): Promise<Python> {
  const requirements = await readFile(REQUIREMENTS);
  const { stdout: version } = await run("python3", ["--version"]);
  const name = createHash("sha256").update(requirements).update(version).digest("hex").slice(0, 16);
  const tools = join(repository, ".tools");
  const environment = join(tools, `python-${name}`);
  if (!existsSync(join(environment, "complete"))) await install(tools, environment);
  return {
    async run(script, ...args) {
      const path = join(import.meta.dirname, script);
      const python = join(environment, "bin", "python");
      const { stdout } = await run(python, ["-B", path, ...args], { timeout: 30_000 });
      return stdout;
    },
  };
}

/** Whole or not at all: an interrupted one has no `complete` and is made anew. */
async function install(tools: string, environment: string): Promise<void> {
  await mkdir(tools, { recursive: true });
  await rm(environment, { recursive: true, force: true });
  await run("python3", ["-m", "venv", environment]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await run(join(environment, "bin", "python"), [...pip, "-r", REQUIREMENTS], {
    timeout: INSTALL_TIMEOUT_MS,
  });
  await writeFile(join(environment, "complete"), "");
}
