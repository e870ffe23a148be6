import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import type { OnCorruption } from "../../src/manifest/graph.ts";
import { openQuarantine, type QuarantineOptions } from "../../src/runtime/quarantine.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "../supervisor/node-at.ts";
import { actor, supervisor, World } from "../supervisor/virtual.ts";
import { canMount, withSmallDisk } from "./full-disk.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cell0-quarantine-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const bad = (size: number, path = "g/x") => ({
  path,
  snapshot: { bytes: new Uint8Array(size).fill(7), hash: new Uint8Array(32).fill(1) },
  error: new CellError("ACTOR_SNAPSHOT_CORRUPT"),
});

test("a damaged snapshot lies there as it was found, for its owner alone", () => {
  const keep = openQuarantine({
    directory: join(root, "q"),
    now: () => 0,
    onProblem: (error) => expect.fail(error.message),
  });
  const file = keep(bad(10));
  expect(file).toMatch(/1970-01-01.*-g\.x-0101010101010101\.snapshot$/);
  expect([...readFileSync(file)]).toEqual(Array(10).fill(7));
});

test("the oldest give way at the bounds of count and bytes", () => {
  let nowMs = 0;
  const directory = join(root, "q");
  const keep = openQuarantine({
    directory,
    now: () => (nowMs += 1_000),
    onProblem: () => {},
    maxFiles: 3,
    maxBytes: 100,
  });
  const files = [keep(bad(30)), keep(bad(30)), keep(bad(30)), keep(bad(30)), keep(bad(90))];
  expect(readdirSync(directory).map((name) => join(directory, name))).toEqual([files.at(-1)]);
});

test("a directory that takes nothing is told, and the restart goes on", () => {
  writeFileSync(join(root, "q"), "a file");
  const problems: CellError[] = [];
  const keep = openQuarantine({
    directory: join(root, "q"),
    now: () => 0,
    onProblem: (error) => problems.push(error),
  });
  expect(keep(bad(1))).toBe("");
  expect(problems).toMatchObject([{ code: "ACTOR_SNAPSHOT_CORRUPT" }]);
});

describe("a snapshot that is bad while the disk is full", () => {
  /** A child whose newest snapshot is damaged, with a quarantine that takes nothing. */
  async function restarted(
    options: Pick<QuarantineOptions, "directory" | "write">,
    corruption: OnCorruption,
  ) {
    const world = new World();
    const problems: CellError[] = [];
    const onProblem = (error: CellError) => problems.push(error);
    world.ports.quarantine = openQuarantine({ ...options, now: () => 0, onProblem });
    const spec = actor("g/x", { onCorruption: corruption });
    const tree = await startTree({
      roots: [supervisor("g", [spec, actor("g/y")], { intensity: 10 })],
      ports: world.ports,
    });
    for (const count of [1, 2]) {
      world.child("g/x").leaves({ count });
      if (count === 2) tree.damageNextSnapshot("g/x");
      await world.crash("g/x");
    }
    const { state, lastExit } = nodeAt(tree, "g/x");
    const told = world.events.flatMap(({ kind }) => (kind.case === "snapshotSetAside" ? [kind.value] : []));
    const sibling = nodeAt(tree, "g/y");
    const from = world.starts.findLast(({ path }) => path === "g/x")?.snapshot;
    await tree.stop(0);
    return { state, lastExit, told, sibling, from, problems };
  }
  const full = (file: string) => {
    throw Object.assign(new Error(`ENOSPC: no space left on device, write '${file}'`), { code: "ENOSPC" });
  };

  const rows: [onCorruption: OnCorruption, state: string, from: unknown][] = [
    ["previous", "running", { count: 1 }],
    ["fresh", "running", undefined],
    ["park", "parked", { count: 1 }],
  ];
  describe.each(rows)("with onCorruption %s", (onCorruption, state, from) => {
    const expectClear = ({ told, sibling, problems, ...child }: Awaited<ReturnType<typeof restarted>>) => {
      expect(child).toMatchObject({ state, lastExit: { failure: { class: expect.any(String) } } });
      if (state === "parked") {
        expect(child.lastExit).toMatchObject({
          failure: { class: "corruption", name: "ACTOR_SNAPSHOT_CORRUPT" },
        });
      }
      expect(child.from).toEqual(from);
      expect(told).toMatchObject([
        { reason: expect.stringContaining("ACTOR_SNAPSHOT_CORRUPT"), quarantine: "" },
      ]);
      expect(problems).toMatchObject([{ code: "ACTOR_SNAPSHOT_CORRUPT", cause: { code: "ENOSPC" } }]);
      expect(sibling).toMatchObject({ state: "running", restarts: 0 });
    };

    test("the actor comes back, or is parked, as without that, and both are told", async () => {
      expectClear(await restarted({ directory: join(root, "q"), write: full }, onCorruption));
    });

    test.skipIf(!canMount)(
      "the same on a disk that is full indeed, and no half of a snapshot lies there",
      () =>
        withSmallDisk(async ({ directory, fill }) => {
          const quarantine = join(directory, "q");
          mkdirSync(quarantine);
          fill();
          expectClear(await restarted({ directory: quarantine }, onCorruption));
          expect(readdirSync(quarantine)).toEqual([]);
        }),
    );
  });
});
