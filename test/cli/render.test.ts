import fc from "fast-check";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import type { ActorReport, ApplyReport, PlanReport, TreeNode } from "../../src/actors/kernel/reports.ts";
import { renderActor } from "../../src/cli/get-actor.ts";
import { selectActors } from "../../src/cli/get-actors.ts";
import { disturbs, renderOutcome, renderPlan } from "../../src/cli/render/plan.ts";
import { Latencies, percentile, renderSummary } from "../../src/cli/render/summary.ts";
import { renderTable } from "../../src/cli/render/table.ts";
import { plain, widthOf } from "../../src/cli/render/text.ts";
import { renderTree } from "../../src/cli/render/tree.ts";

const colors = pc.createColors(false);
const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const actor = (path: string, more: Partial<TreeNode> = {}): TreeNode => ({
  path,
  kind: "actor",
  status: "running",
  state: "idle",
  restarts: 0,
  startedAtUnixMs: NOW - 250_000,
  mailboxDepth: 0,
  mailboxBound: 128,
  node: "a",
  ...more,
});
const tree: TreeNode = {
  path: "a",
  kind: "supervisor",
  status: "running",
  restarts: 0,
  startedAtUnixMs: NOW - 11_100_000,
  node: "a",
  children: [
    {
      path: "support",
      kind: "supervisor",
      status: "running",
      restarts: 0,
      node: "a",
      children: [
        actor("support/intake", { mailboxDepth: 12, restarts: 1, handled: 40 }),
        actor("support/triage", {
          status: "backing-off",
          reason: "crash: TypeError: boom\u001b[2J",
          restarts: 3,
        }),
      ],
    },
    actor("kernel/graph", { state: "open.waiting" }),
  ],
};

describe("the tree", () => {
  it("is drawn with box characters, columns aligned, foreign control characters shown", () => {
    expect(`\n${renderTree([tree], NOW, colors)}\n`).toMatchInlineSnapshot(`
      "
      a                running                    0 restarts                  up 3h05m
      ├─ support       running                    0 restarts
      │  ├─ intake     running      idle          1 restart   mailbox 12/128  up 4m10s
      │  └─ triage     backing-off  idle          3 restarts  mailbox 0/128             crash: TypeError: boom\\u001b[2J
      └─ kernel/graph  running      open.waiting  0 restarts  mailbox 0/128   up 4m10s
      "
    `);
  });

  it("takes the same columns in colour", () => {
    const coloured = renderTree([tree], NOW, pc.createColors(true)).split("\n").map(widthOf);
    expect(coloured).toEqual(renderTree([tree], NOW, colors).split("\n").map(widthOf));
  });
});

describe("actors", () => {
  it.each([
    [{}, ["kernel/graph", "support/intake", "support/triage"]],
    [{ graph: "support" }, ["support/intake", "support/triage"]],
    [{ state: "backing-off" }, ["support/triage"]],
    [{ state: "open.waiting" }, ["kernel/graph"]],
    [{ sort: "restarts" as const }, ["support/triage", "support/intake", "kernel/graph"]],
    [{ sort: "mailbox" as const, graph: "support" }, ["support/intake", "support/triage"]],
  ])("are chosen by %j", (filter, paths) => {
    expect(selectActors([tree], filter).map(({ path }) => path)).toEqual(paths);
  });

  it("are shown one by one with intents, grants and restarts", () => {
    const report: ActorReport = {
      ...actor("hello/greeter", { shard: 7, handled: 3, refused: 1 }),
      incarnation: { term: 1, activation: 2 },
      behaviour: "greeter.ts#greeter",
      codeHash: "ab".repeat(32),
      intents: {
        greet: {
          payload: {
            type: "object",
            required: ["name"],
            properties: { name: { type: "string" }, tags: { type: "array", items: { enum: ["a", "b"] } } },
          },
          reply: { type: "object", properties: {} },
        },
      },
      grants: [{ intents: ["alert.*"], targets: ["log-watch/alerts"] }],
      history: [
        {
          atUnixMs: NOW - 60_000,
          cause: "crash: TypeError: boom",
          class: "crash",
          elapsedUs: 1_250,
          failure: {
            class: "crash",
            name: "TypeError",
            message: "boom",
            origin: "transition",
            rootActor: "hello/greeter",
          },
        },
      ],
    };
    expect(`\n${renderActor(report, NOW, colors)}\n`).toMatchInlineSnapshot(`
      "
      hello/greeter
        status       running
        state        idle
        node         a, shard 7
        restarts     0
        started      2026-11-23 11:55:50 UTC, 4m10s ago
        incarnation  1.2
        mailbox      0 of 128
        intents      3 handled, 1 refused
        behaviour    greeter.ts#greeter
        code         abababababababab

      intents
        greet
          payload  { name: string, tags?: ("a" | "b")[] }
          reply    {}

      may send
        alert.* to log-watch/alerts

      restarts
        2026-11-23 11:59:00  crash  in 1.25 ms  TypeError: boom
      "
    `);
  });
});

describe("a plan", () => {
  const plan: PlanReport = {
    baseRevision: 3,
    problems: [],
    revoked: [],
    changes: [
      { path: "support/triage", kind: "added", restarts: false, reason: "", fields: [] },
      {
        path: "support/answer",
        kind: "changed",
        restarts: true,
        reason: "input",
        fields: [
          { field: "input.model", old: "small", new: "large" },
          { field: "mailbox.bound", new: 10 },
        ],
      },
      { path: "support/old", kind: "removed", restarts: false, reason: "", fields: [] },
    ],
  };

  it("names what is added, changed with old and new value, removed and restarted, and why", () => {
    expect(`\n${renderPlan(plan, colors)}\n`).toMatchInlineSnapshot(`
      "
      + support/triage
      ~ support/answer  restarts: input
          input.model: "small" -> "large"
          mailbox.bound: 10 (new)
      - support/old

      1 added, 1 changed, 1 removed, 1 restart against revision 3.
      "
    `);
  });

  it("of nothing says so", () => {
    expect(renderPlan({ ...plan, changes: [] }, colors)).toBe(
      "Nothing to change: the cell is at revision 3.",
    );
  });

  it("disturbs when something is removed or restarted, and not when something is added", () => {
    expect(plan.changes.map((change) => disturbs([change]))).toEqual([false, true, true]);
  });

  it.each<[string, Partial<ApplyReport>, string]>([
    ["was applied", {}, "Applied as revision 4."],
    [
      "was applied but for an actor",
      { unsatisfied: [{ path: "support/x", reason: "no such node" }] },
      "Applied as revision 4.\n\nNot running as stated:\n! support/x  no such node",
    ],
    ["changed nothing", { applied: false, revision: 3 }, "Nothing changed: the cell is at revision 3."],
    [
      "failed",
      { applied: false, revision: 3, problems: [{ code: "X", message: "m", remedy: "r" }] },
      "Not applied: revision 3 still runs.",
    ],
  ])("that %s is told", (_what, more, text) => {
    expect(renderOutcome({ ...plan, revision: 4, applied: true, unsatisfied: [], ...more }, colors)).toBe(
      text,
    );
  });
});

describe("a table", () => {
  it("aligns columns and leaves no trailing spaces", () => {
    const rows = [
      { name: "a", count: 5, note: "" },
      { name: "longer", count: 1_000, note: "x" },
    ];
    const text = renderTable(
      rows,
      [
        { title: "NAME", value: ({ name }) => name },
        { title: "COUNT", align: "right", value: ({ count }) => String(count) },
        { title: "NOTE", value: ({ note }) => note },
      ],
      colors,
    );
    expect(text).toBe(["NAME    COUNT  NOTE", "a           5", "longer   1000  x"].join("\n"));
  });
});

describe("foreign text", () => {
  it("never steers a terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plain(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
    expect(plain("a\u001b[31mb\nc")).toBe("a\\u001b[31mb\\u000ac");
    expect(plain("a\nb\tc\r", { lines: true })).toBe("a\nb\tc\\u000d");
  });
});

describe("a summary", () => {
  it("counts, and gives latencies of what succeeded", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms);
    const summary = latencies.summary(new Map([["ACTOR_PAYLOAD_INVALID", 2]]), 500);
    expect(summary).toEqual({
      sent: 102,
      succeeded: 100,
      failed: 2,
      failures: { ACTOR_PAYLOAD_INVALID: 2 },
      elapsedMs: 500,
      perSecond: 204,
      latencyMs: { p50: 50, p99: 99, max: 100 },
    });
    expect(`\n${renderSummary(summary, colors)}\n`).toMatchInlineSnapshot(`
      "
      102 sent in 500.0 ms (204 a second): 100 answered, 2 failed
      latency  p50 50.0 ms  p99 99.0 ms  max 100.0 ms
        2  ACTOR_PAYLOAD_INVALID
      "
    `);
  });

  it("of failures only has no latencies", () => {
    expect(new Latencies().summary(new Map([["X", 1]]), 10).latencyMs).toBeNull();
  });

  it("has a percentile that is one of the values, and not below its share of them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(10_000), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const sorted = Float64Array.from(values).sort();
          const value = percentile(sorted, share);
          expect(values).toContain(value);
          expect(values.filter((each) => each <= value).length / values.length).toBeGreaterThanOrEqual(
            share - 1e-9,
          );
        },
      ),
    );
  });
});
