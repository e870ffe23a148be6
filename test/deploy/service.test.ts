import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const run = promisify(execFile);
const deploy = join(import.meta.dirname, "..", "..", "deploy");
const ANALYZE = "/usr/bin/systemd-analyze";
/** Older ones ignore the line, and say so. */
const SUBGROUP_SINCE = 254;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-deploy-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("the systemd unit", () => {
  const unit = () => readFile(join(deploy, "systemd", "cell0.service"), "utf8");

  test.runIf(existsSync(ANALYZE))("is understood by systemd, every line of it", async () => {
    const path = join(directory, "cell0.service");
    // The program need not be installed where this test runs.
    await writeFile(path, (await unit()).replace("/usr/local/bin/cell0", process.execPath));
    const { stdout, stderr } = await run(ANALYZE, ["verify", "--man=no", path]);
    const newer = /: Unknown key(?: name)? 'DelegateSubgroup' in section \W?Service\W?, ignoring\.$/;
    const said = (stdout + stderr).split("\n").filter((line) => line !== "");
    const { stdout: version } = await run(ANALYZE, ["--version"]);
    const isOlder = Number(/^systemd (\d+)/.exec(version)?.[1]) < SUBGROUP_SINCE;
    expect(said.filter((line) => !(isOlder && newer.test(line)))).toEqual([]);
  });

  test("has a cgroup of its own to divide, as the limits of actors need it", async () => {
    const text = await unit();
    expect(text).toMatch(/^Delegate=yes$/m);
    expect(text).toMatch(/^DelegateSubgroup=main$/m);
    expect(text).toMatch(/^ProtectControlGroups=no$/m);
    const docs = await readFile(join(deploy, "..", "docs", "isolation.md"), "utf8");
    expect(docs).toContain(
      "`Delegate=yes` and `DelegateSubgroup=main`, as in `deploy/systemd/cell0.service`",
    );
  });

  test("starts the cell again, always, and stops it in order", async () => {
    const text = await unit();
    expect(text).toMatch(/^Restart=always$/m);
    expect(text).toMatch(/^KillMode=mixed$/m);
  });
});

describe("the container's entry point", () => {
  const entry = join(deploy, "container", "entrypoint.sh");

  test("becomes `cell0 up`, on a data directory that is its user's alone", async () => {
    const bin = join(directory, "cell0");
    await writeFile(bin, '#!/bin/sh\necho "$$ $*"\n');
    await chmod(bin, 0o700);
    const data = join(directory, "data");
    await mkdir(data, { mode: 0o755 });
    await chmod(data, 0o755);
    const env = { PATH: process.env.PATH, CELL0_BIN: bin, CELL0_DATA_DIR: data };
    const child = run(entry, ["--no-spare"], { env });
    const { stdout } = await child;
    expect(stdout).toBe(`${child.child.pid} --data-dir ${data} --json up --no-spare\n`);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
  });

  test("ends with an error where the data directory cannot be made private", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const env = { PATH: process.env.PATH, CELL0_BIN: "true", CELL0_DATA_DIR: join(file, "data") };
    await expect(run(entry, [], { env })).rejects.toMatchObject({ code: 1 });
  });
});
