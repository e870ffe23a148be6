import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dataDir } from "../../src/runtime/data-dir.ts";
import { lockDirectory } from "../../src/runtime/lock.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cell0-test-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** No process has this id: it is above what systems give out. */
const DEAD = { pid: 2 ** 30, startTime: "1", sinceUnixMs: 0, node: "a", children: {} };

test.each([
  ["nobody's", undefined],
  ["a dead holder's", JSON.stringify(DEAD)],
  ["an empty one", ""],
])("of many that take the directory at once, under %s lock, one gets it", async (_name, lock) => {
  const dir = dataDir(root);
  for (let round = 0; round < 20; round += 1) {
    if (lock !== undefined) await writeFile(dir.lock, lock);
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(dir, "a")));
    const held = taken.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const codes = taken.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : []));
    expect(held).toHaveLength(1);
    expect(codes).toEqual(Array.from({ length: 7 }, () => "CELL_DIRECTORY_HELD"));
    await held[0]?.release();
    expect(await readdir(root)).toEqual([]);
  }
});

test("what a process left that died while it took the directory keeps nobody out for long", async () => {
  const dir = dataDir(root);
  await writeFile(dir.lock, JSON.stringify(DEAD));
  await writeFile(`${dir.lock}.taking`, JSON.stringify(DEAD));
  await expect(lockDirectory(dir, "a")).rejects.toMatchObject({ code: "CELL_DIRECTORY_HELD" });
  await (await lockDirectory(dir, "a")).release();
});
