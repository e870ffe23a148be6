import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApplyReport, PlanReport } from "../../src/actors/kernel/reports.ts";
import { chunked, fakeCell, type Handler, oneNode, refusal } from "./fake-cell.ts";
import { type FakeTerminalOptions, run } from "./fake-terminal.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-graphs-"));
  await writeFile(join(directory, "me.creds"), "an identity");
  await writeFile(join(directory, "greeter.ts"), "export const greeter = {};\n");
  const manifest = (child: string) => `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: hello }
spec:
  strategy: one_for_one
  children:
    - ${child}
`;
  await writeFile(
    join(directory, "graph.yaml"),
    manifest("{ actor: greeter, behaviour: ./greeter.ts#greeter }"),
  );
  await writeFile(
    join(directory, "bad.yaml"),
    manifest("{ actor: greeter, behavior: ./greeter.ts#greeter }"),
  );
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const emptyPlan: PlanReport = { baseRevision: 3, changes: [], problems: [], revoked: [] };
const added = { path: "hello/greeter", kind: "added", restarts: false, reason: "", fields: [] } as const;
const removed = { path: "hello/old", kind: "removed", restarts: false, reason: "", fields: [] } as const;
const cellWith = (
  plan: PlanReport,
  apply: Partial<ApplyReport> = {},
  more: Readonly<Record<string, Handler>> = {},
) =>
  fakeCell({
    ...oneNode,
    "graph.stage": () => [{ complete: true }],
    "graph.plan": chunked(plan),
    "graph.apply": chunked({ ...plan, revision: 4, applied: true, unsatisfied: [], ...apply }),
    "graph.get": chunked({ revision: 3, graph: {}, unsatisfied: [] }),
    ...more,
  });
const call = (argv: string[], cell = cellWith(emptyPlan), options: FakeTerminalOptions = {}) =>
  run(["--creds", "me.creds", ...argv], { cwd: directory, openCell: cell.openCell, ...options });
const onTerminal = { isTerminal: { input: true, error: true } };

describe("plan and apply", () => {
  it("upload the graph whole and in order, under its hash", async () => {
    const cell = cellWith(emptyPlan);
    expect((await call(["plan", "graph.yaml"], cell)).exitCode).toBe(0);
    const parts = cell.asked
      .filter(({ intent }) => intent === "graph.stage")
      .map(({ payload }) => payload as { hash: string; index: number; count: number; data: string });
    const whole = Buffer.concat(parts.map(({ data }) => Buffer.from(data, "base64")));
    expect(parts.map(({ index }) => index)).toEqual([...parts.keys()]);
    expect(parts[0]?.hash).toBe(createHash("sha256").update(whole).digest("hex"));
    expect(JSON.parse(gunzipSync(whole).toString())).toMatchObject({ roots: [{ path: "hello" }] });
  });

  it("print every problem of a manifest with its place, and ask nothing of the cell", async () => {
    const cell = cellWith(emptyPlan);
    const { exitCode, err } = await call(["apply", "bad.yaml"], cell);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/bad\.yaml:7:\d+: .*MANIFEST_/);
    expect(err).toMatch(/\^\^\^/);
    expect(err).toMatch(/did you mean `behaviour`/);
    expect(cell.asked).toEqual([]);
  });

  it("apply against the revision that was planned", async () => {
    const cell = cellWith({ ...emptyPlan, changes: [added] });
    const { exitCode, out } = await call(["apply", "graph.yaml"], cell);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/\+ hello\/greeter/);
    expect(out).toMatch(/Applied as revision 4/);
    expect(cell.asked.at(-1)).toMatchObject({
      intent: "graph.apply",
      payload: { baseRevision: 3, prune: false },
    });
  });

  it("change nothing when there is nothing to change", async () => {
    const cell = cellWith(emptyPlan);
    const { exitCode, out } = await call(["apply", "graph.yaml"], cell);
    expect([exitCode, out]).toEqual([0, "Nothing to change: the cell is at revision 3.\n"]);
    expect(cell.asked.some(({ intent }) => intent === "graph.apply")).toBe(false);
  });

  it("answer problems of the plan with 3 and apply nothing", async () => {
    const problems = [{ code: "ACTOR_BEHAVIOUR_INVALID", message: "no such export", remedy: "export it" }];
    const cell = cellWith({ ...emptyPlan, changes: [added], problems });
    const { exitCode, err } = await call(["apply", "graph.yaml"], cell);
    expect(exitCode).toBe(3);
    expect(err).toBe("ACTOR_BEHAVIOUR_INVALID: no such export; export it\n");
    expect(cell.asked.some(({ intent }) => intent === "graph.apply")).toBe(false);
  });

  it("answer what does not run as stated with 5", async () => {
    const cell = cellWith(
      { ...emptyPlan, changes: [added] },
      { unsatisfied: [{ path: "hello/greeter", reason: "no node b" }] },
    );
    expect((await call(["apply", "graph.yaml"], cell)).exitCode).toBe(5);
  });

  it.each<[string, string[], FakeTerminalOptions, number, number, boolean]>([
    ["asks on a terminal and goes ahead on yes", [], { ...onTerminal, answers: ["y"] }, 1, 0, true],
    ["asks on a terminal and stops on no", [], { ...onTerminal, answers: ["n"] }, 1, 1, false],
    ["asks on a terminal and takes anything else for no", [], { ...onTerminal, answers: [""] }, 1, 1, false],
    ["does not ask with --yes", ["--yes"], onTerminal, 0, 0, true],
    ["does not ask without a terminal", [], {}, 0, 0, true],
  ])("before a removal %s", async (_what, argv, options, questions, exitCode, applied) => {
    const cell = cellWith({ ...emptyPlan, changes: [removed] });
    const done = await call(["apply", "graph.yaml", "--prune", ...argv], cell, options);
    expect(done.questions).toHaveLength(questions);
    expect(done.exitCode).toBe(exitCode);
    expect(cell.asked.some(({ intent }) => intent === "graph.apply")).toBe(applied);
  });
});

describe("diff", () => {
  it.each<[string, PlanReport, { path: string; reason: string }[], number]>([
    ["nothing differs", emptyPlan, [], 0],
    ["something would change", { ...emptyPlan, changes: [added] }, [], 1],
    [
      "an actor of the graph does not run as stated",
      emptyPlan,
      [{ path: "hello/greeter", reason: "gave up" }],
      1,
    ],
    ["an actor of another graph does not", emptyPlan, [{ path: "other/x", reason: "gave up" }], 0],
  ])("when %s exits as it should", async (_what, plan, unsatisfied, exitCode) => {
    const cell = cellWith(plan, {}, { "graph.get": chunked({ revision: 3, graph: {}, unsatisfied }) });
    const { exitCode: code, json } = await call(["diff", "graph.yaml", "--json"], cell);
    expect(code).toBe(exitCode);
    expect(json()).toMatchObject([{ differs: exitCode === 1 }]);
  });
});

describe("rollback", () => {
  const row = (revision: number, current = false) => ({
    revision,
    createdUnixMs: Date.UTC(2026, 0, revision),
    author: "operator",
    rollbackOf: 0,
    current,
    actors: 2,
  });
  const revisions = chunked([row(5), row(4, true), row(3), row(1)]);

  it("returns to the revision before the current one by default", async () => {
    const cell = cellWith(
      emptyPlan,
      {},
      {
        "graph.revisions": revisions,
        "graph.rollback": chunked({ ...emptyPlan, revision: 6, applied: true, unsatisfied: [] }),
      },
    );
    expect((await call(["rollback"], cell)).exitCode).toBe(0);
    expect(cell.asked.at(-1)).toMatchObject({ intent: "graph.rollback", payload: { revision: 3 } });
  });

  it("lists what is kept", async () => {
    const { out } = await call(
      ["rollback", "--list"],
      cellWith(emptyPlan, {}, { "graph.revisions": revisions }),
    );
    expect(out).toBe(
      [
        "REVISION  CREATED (UTC)        AUTHOR    ACTORS  RESTORES",
        "       5  2026-01-05 00:00:00  operator       2",
        "     * 4  2026-01-04 00:00:00  operator       2",
        "       3  2026-01-03 00:00:00  operator       2",
        "       1  2026-01-01 00:00:00  operator       2",
        "",
      ].join("\n"),
    );
  });
});

describe("what concerns one path", () => {
  const tree = {
    path: "a",
    kind: "supervisor",
    status: "running",
    restarts: 0,
    node: "a",
    children: [{ path: "hello/greeter", kind: "actor", status: "running", restarts: 0, node: "a" }],
  };

  it("is asked of the node that hosts it", async () => {
    const cell = cellWith(
      emptyPlan,
      {},
      { "registry.tree": chunked(tree), "registry.restart": () => [{ state: "running" }] },
    );
    const { exitCode, out } = await call(["restart", "hello/greeter"], cell);
    expect([exitCode, out]).toEqual([0, "hello/greeter  running\n"]);
    expect(cell.asked.at(-1)).toEqual({
      target: "kernel/a/registry",
      intent: "registry.restart",
      payload: { path: "hello/greeter" },
    });
  });

  it("names the nearest path when there is none such", async () => {
    const { exitCode, err } = await call(
      ["stop", "hello/greter"],
      cellWith(emptyPlan, {}, { "registry.tree": chunked(tree) }),
    );
    expect(exitCode).toBe(3);
    expect(err).toBe('CLI_TARGET_UNKNOWN: nothing runs at "hello/greter"; did you mean "hello/greeter"?\n');
  });

  it("is found although another node does not answer", async () => {
    const nodes = [
      { node: "a", shards: [{ first: 0, last: 127 }], generation: 1, answers: true },
      { node: "b", shards: [{ first: 128, last: 255 }], generation: 1, answers: true },
    ];
    const cell = cellWith(
      emptyPlan,
      {},
      {
        "graph.nodes": chunked(nodes),
        "kernel/a/registry registry.tree": chunked(tree),
        "kernel/b/registry registry.tree": () => {
          throw refusal("CELL_NOT_ACCEPTING", "its core is gone");
        },
      },
    );
    const { exitCode, out, err } = await call(["get", "tree"], cell);
    expect(exitCode).toBe(5);
    expect(out).toMatch(/└─ hello\/greeter {2}running/);
    expect(err).toBe("node b: its core is gone\n");
  });
});

describe("a reply that makes no sense", () => {
  it.each<[string, Handler]>([
    ["is cut short", () => [{ chunk: "", more: true }]],
    ["is no gzip", () => [{ chunk: "AAAA", more: false }]],
    ["is empty", () => [{}]],
    ["lacks what is asked for", chunked({ changes: [] })],
  ])("because it %s is CLI_REPLY_UNEXPECTED", async (_what, handler) => {
    const { exitCode, err } = await call(
      ["plan", "graph.yaml"],
      cellWith(emptyPlan, {}, { "graph.plan": handler }),
    );
    expect(exitCode).toBe(3);
    expect(err).toMatch(/^CLI_REPLY_UNEXPECTED: /);
  });
});
