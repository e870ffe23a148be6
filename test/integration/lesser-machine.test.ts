// A machine that lacks layers of the isolation, as one is where the node does not run as
// root: a test that does runs the cell as nobody. What must be held in whole is refused with
// its code and the layers that lack; what is content with less runs, and says how it is held.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataDir } from "../../src/runtime/data-dir.ts";
import { readableByAll } from "../readable-by-all.ts";
import { LAUNCHER, type Outcome, requireNothingLeft } from "./live-cell.ts";
import { manifest } from "./workspace.ts";

const SETPRIV = "/usr/bin/setpriv";
const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;
const canBeLesser =
  process.platform === "linux" && (!isRoot || (existsSync(SETPRIV) && readableByAll(LAUNCHER)));
const run = promisify(execFile);

describe.runIf(canBeLesser)("a node that is not root", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "cell0-lesser-"));
    await cp(join(import.meta.dirname, "behaviours"), directory, { recursive: true });
    for (const sandbox of ["required", "best_effort"]) {
      const children = [{ actor: "held", behaviour: "./parrot.ts#parrot", isolation: "process", sandbox }];
      await writeFile(join(directory, `${sandbox}.yaml`), manifest(sandbox.replace("_", "-"), children));
    }
    const home = join(directory, "home");
    await mkdir(home, { mode: 0o700 });
    await chmod(directory, 0o755);
    if (isRoot) await chown(home, NOBODY, NOBODY);
    expect(await cell0("up", "--detach", "--no-spare")).toMatchObject({ code: 0, stderr: "" });
  });
  afterAll(async () => {
    await cell0("down");
    await requireNothingLeft(dataDir(join(directory, "home", "cell")));
    await rm(directory, { recursive: true, force: true });
  });

  async function cell0(...args: readonly string[]): Promise<Outcome> {
    const lesser = isRoot
      ? [SETPRIV, "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups", "--"]
      : [];
    const data = ["--data-dir", join(directory, "home", "cell")];
    const [command = "", ...rest] = [...lesser, process.execPath, LAUNCHER, ...data, ...args];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "home", "cache") };
    return await run(command, rest, { cwd: directory, env }).then(
      (outcome) => ({ code: 0, ...outcome }),
      ({ code, stdout, stderr }: Outcome) => ({ code, stdout, stderr }),
    );
  }

  it("refuses an actor whose sandbox is required, names what lacks, and starts nothing of it", async () => {
    const { code, stdout, stderr } = await cell0("apply", "required.yaml", "--yes");
    expect(stdout + stderr).toContain("ACTOR_SANDBOX_UNAVAILABLE");
    expect(stdout + stderr).toContain("user: the node does not run as root");
    expect(stdout + stderr).toContain("network: the node does not run as root");
    expect(code).toBe(3);
    expect((await cell0("get", "tree")).stdout).not.toContain("held");
  });

  it("runs one that takes what there is, and says how it is held", async () => {
    expect(await cell0("apply", "best_effort.yaml", "--yes")).toMatchObject({ code: 0 });
    const { stdout } = await cell0("send", "best-effort/held", "say", '{"text":"x"}');
    expect(JSON.parse(stdout)).toEqual({ text: "x", count: 1 });
    const actor = (await cell0("get", "actor", "best-effort/held")).stdout;
    expect(actor).toMatch(/weaker: .*the node's own user/);
  });

  it("states the weaker bound in `doctor`", async () => {
    expect((await cell0("doctor")).stdout).toMatch(/user of processes +weaker here: .*not run as root/);
  });
});
