// A Python of its own for the client in Python: a virtual environment with the pinned requirements, made
// once and kept in .tools, named after what is in it.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withBin } from "../../scripts/setup/command.mjs";
import { checkout } from "../../scripts/setup/paths.mjs";
import { type ClientTools, run } from "./client-tools.ts";

const call = promisify(execFile);
const source = join(checkout.root, "clients", "python");
/** The second names the first. */
const REQUIREMENTS = ["requirements.txt", "requirements-generate.txt"].map((name) => join(source, name));
const INSTALL_TIMEOUT_MS = 300_000;

/** Why there is no Python for the client on this machine; undefined: there is. */
export async function whyNoPython(): Promise<string | undefined> {
  try {
    await call("python3", ["-c", "import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))"]);
    return undefined;
  } catch {
    return "python3 (3.10 or newer, with venv) is not on this machine";
  }
}

export async function makePython(): Promise<ClientTools> {
  const hash = createHash("sha256").update((await call("python3", ["--version"])).stdout);
  for (const file of REQUIREMENTS) hash.update(await readFile(file));
  const environment = join(checkout.tools, `python-${hash.digest("hex").slice(0, 16)}`);
  if (!existsSync(join(environment, "complete"))) await install(environment);
  const bin = join(environment, "bin");
  const python = (...args: readonly string[]) => run(join(bin, "python"), ["-B", ...args], { cwd: source });
  return {
    env: withBin(process.env, bin),
    client: (...args) => python("-m", "cell0", ...args),
    async vectors(...files) {
      const { stdout, stderr } = await python("vectors.py", ...files.map((file) => fileURLToPath(file)));
      if (stderr !== "") throw new Error(stderr);
      return stdout;
    },
  };
}

/** Whole or not at all: an interrupted one has no `complete` and is made anew. */
async function install(environment: string): Promise<void> {
  await mkdir(checkout.tools, { recursive: true });
  await rm(environment, { recursive: true, force: true });
  await call("python3", ["-m", "venv", environment]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const files = REQUIREMENTS.flatMap((file) => ["-r", file]);
  await call(join(environment, "bin", "python"), [...pip, ...files], { timeout: INSTALL_TIMEOUT_MS });
  await writeFile(join(environment, "complete"), "");
}
