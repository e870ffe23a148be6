import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { openQuarantine } from "../../src/runtime/quarantine.ts";

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
