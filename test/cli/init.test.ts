import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadManifests } from "../../src/manifest/load.ts";
import { packageRoot } from "../../src/runtime/package-info.ts";
import { run } from "./fake-terminal.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-init-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));
const init = (...argv: string[]) => run(["init", ...argv], { cwd: directory });

/** As `npm install` leaves it. */
async function install(folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await symlink(packageRoot, join(modules, "cell0"));
  for (const name of ["xstate", "zod"])
    await symlink(join(packageRoot, "node_modules", name), join(modules, name));
}

describe("init", () => {
  it("makes a manifest that is valid and a behaviour whose test passes", async () => {
    expect((await init("my-cell")).exitCode).toBe(0);
    const folder = join(directory, "my-cell");
    await install(folder);
    const graph = await loadManifests([folder]);
    expect(graph).toMatchObject({ ok: true, value: { roots: [{ path: "my-cell" }] } });
    const json: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    expect(json).toMatchObject({ scripts: { test: "node --conditions=cell0-source --test" } });
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=cell0-source", "--test"], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "" },
    });
    expect(stdout).toMatch(/pass 2/);
    expect(stdout).toMatch(/fail 0/);
  });

  it("fills an empty folder, as the umask says", async () => {
    await mkdir(join(directory, "here"));
    const { exitCode, out } = await init("here");
    expect(exitCode).toBe(0);
    expect(out).toMatch(/cd here\n {2}npm install/);
    expect((await stat(join(directory, "here"))).mode & 0o700).toBe(0o700);
  });

  it("refuses a folder that holds something, and leaves it alone", async () => {
    await mkdir(join(directory, "mine"));
    await writeFile(join(directory, "mine", "notes.txt"), "precious");
    const { exitCode, err } = await init("mine");
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_FILE_EXISTS: /)]);
    expect(await readdir(join(directory, "mine"))).toEqual(["notes.txt"]);
    expect(await readdir(directory)).toEqual(["mine"]);
  });

  it.each([
    ["My Cell (2)", [], "my-cell-2"],
    ["___", [], "my-cell"],
    ["any", ["--name", "orders"], "orders"],
  ])("in %j with %j makes the graph %s", async (folder, argv, name) => {
    expect((await init(folder, ...argv, "--json")).json()).toMatchObject([{ name }]);
  });

  it.each(["kernel", "Orders", "-x", "a.b"])("refuses %j as a graph's name", async (name) => {
    const { exitCode, err } = await init("any", `--name=${name}`);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_USAGE: a graph's name/)]);
    expect(await readdir(directory)).toEqual([]);
  });
});
