import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { matrixPage } from "../../scripts/generate-matrix.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import { failureClasses, layers, type ResurrectionMatrix } from "../../src/supervisor/matrix-rules.ts";
import { matrixRows } from "../../src/supervisor/matrix-table.ts";
import { run } from "../cli/fake-terminal.ts";

const rows = matrixRows(matrix);
const rules = rows.flatMap((row) => (row.kind === "rule" ? [row] : []));

test("docs/matrix.md is what `npm run generate` makes of the matrix", () => {
  const file = join(import.meta.dirname, "..", "..", "docs", "matrix.md");
  expect(readFileSync(file, "utf8")).toBe(matrixPage());
});

test("every layer answers for every class of failure", () => {
  expect(rows).toHaveLength(layers.length * failureClasses.length);
  expect(rows.filter(({ kind }) => kind === "rule")).not.toHaveLength(0);
});

test("a matrix in which a combination has no answer does not compile", () => {
  const { drift: _drift, ...others } = matrix.process;
  // @ts-expect-error: what a process does when it drifts is not said.
  const lacking: ResurrectionMatrix = { ...matrix, process: others };
  const { swarm: _swarm, ...below } = matrix;
  // @ts-expect-error: a whole layer is missing.
  const lower: ResurrectionMatrix = below;
  // @ts-expect-error: no supervisor parks a process.
  const parked: ResurrectionMatrix["process"] = { ...matrix.process, crash: matrix.actor.treachery };
  // @ts-expect-error: that there is none needs a reason.
  const silent: ResurrectionMatrix["actor"] = { ...matrix.actor, loss: { kind: "notApplicable" } };
  const stated: ResurrectionMatrix = { ...matrix };
  for (const each of [lacking, lower, parked, silent, stated]) expect(each).toBeDefined();
});

test.each(rules.map((row) => [`${row.layer} ${row.failure}`, row] as const))(
  "%s is noticed, bounded in time and in number",
  (_name, { detector, budgetMs, counting }) => {
    expect(detector.length).toBeGreaterThan(20);
    expect(budgetMs).toBeGreaterThan(0);
    expect(budgetMs).toBeLessThanOrEqual(1_000);
    if (counting !== "intensity") expect(counting.restarts).toBeGreaterThan(0);
  },
);

test("what a sender can cause at will climbs to no layer above the second", () => {
  for (const { layer, escalation, causedBySender } of rules.filter((row) => row.layer === "subtree"))
    expect([layer, escalation, causedBySender]).toEqual(["subtree", "kernel", "park"]);
  expect(matrix.actor.poison).toMatchObject({ escalation: "park" });
  expect(matrix.kernel.poison.kind).toBe("notApplicable");
});

test("poison and corruption do not count towards the intensity", () => {
  for (const row of rules) {
    const own = row.layer === "actor" && (row.failure === "poison" || row.failure === "corruption");
    if (row.layer === "actor" || row.layer === "subtree") expect(row.counting === "intensity").toBe(!own);
  }
});

test("the swarm layer claims nothing that is not built", () => {
  for (const row of rows.filter(({ layer }) => layer === "swarm")) expect(row.kind).toBe("notApplicable");
});

test("`cell0 matrix` prints one line a combination", async () => {
  const { exitCode, out } = await run(["matrix"]);
  expect(exitCode).toBe(0);
  const lines = out.trim().split("\n");
  expect(lines).toHaveLength(1 + rows.length);
  expect(lines[1]).toMatch(
    /^1 actor +crash +restart-from-snapshot +10 ms, isolated 250 ms +intensity +subtree/,
  );
});

test.each([
  [["--layer", "2"], 8],
  [["--layer", "subtree"], 8],
  [["--failure", "hang"], 5],
  [["--layer", "actor", "--failure", "poison"], 1],
])("`cell0 matrix %j` prints %i combinations as JSON", async (options, count) => {
  const { exitCode, json } = await run(["matrix", ...options, "--json"]);
  expect(exitCode).toBe(0);
  expect(json()[0]).toHaveLength(count);
});

test("`cell0 matrix` refuses a layer and a class that there are not", async () => {
  for (const options of [
    ["--layer", "6"],
    ["--failure", "boredom"],
  ]) {
    const { exitCode, err } = await run(["matrix", ...options]);
    expect(exitCode).toBe(2);
    expect(err).toContain("CLI_USAGE");
  }
});
