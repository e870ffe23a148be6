// `tools:` in manifests: what is built of it, what is told of mistakes, and what a plan shows.
import { describe, expect, test } from "vitest";
import type { PlacedGraph } from "../../src/manifest/graph.ts";
import { decodeGraph } from "../../src/manifest/graph-schema.ts";
import { actorsOf } from "../../src/manifest/graph-walk.ts";
import { matchesHost, originOf, parseHostPattern } from "../../src/manifest/host-pattern.ts";
import { parseManifests } from "../../src/manifest/load.ts";
import { planGraph } from "../../src/manifest/plan.ts";

const FILE = `${import.meta.dirname}/fixtures/cell.yaml`;

/** @param tools YAML in flow form */
const load = (tools: string | undefined) => {
  const line = tools === undefined ? "" : `\n      tools: ${tools}`;
  const text = `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: research }
spec:
  children:
    - actor: agent
      behaviour: ./desk.js#triage
      isolation: shared${line}
`;
  return parseManifests([{ name: "cell.yaml", file: FILE, text }]);
};

function actorOf(tools: string | undefined) {
  const loaded = load(tools);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const [actor] = actorsOf(loaded.value);
  if (actor === undefined) throw new Error("no actor");
  return { actor, graph: loaded.value };
}

test("everything that can be said is built, with paths, sizes and durations resolved", () => {
  const { actor, graph } = actorOf(`
        http:
          - hosts: [api.example.com, "*.example.org", "http://127.0.0.1:8080"]
            methods: [GET, POST]
            paths: [/v1/**]
            maxBytes: 2MiB
            timeout: 20s
            secret: { name: api-key, header: x-api-key, format: "{}" }
            privateAddresses: true
            redirects: 3
        fs:
          - { path: ./workspace, access: [read, list, write], maxBytes: 64KiB, quota: 8MiB }
          - { path: /srv/data, name: library }
        exec:
          - program: /usr/bin/git
            args: [[status, --short], [log, "-n", { pattern: "[0-9]{1,3}" }]]
            timeout: 5s
            maxOutput: 128KiB
            stdin: 1KiB
            env: { GIT_PAGER: cat }
            cwd: ./workspace
        concurrent: 2
        perMinute: 60`);
  const workspace = `${import.meta.dirname}/fixtures/workspace`;
  expect(actor.tools).toEqual({
    http: [
      {
        hosts: ["api.example.com", "*.example.org", "http://127.0.0.1:8080"],
        methods: ["GET", "POST"],
        paths: ["/v1/**"],
        maxBytes: 2 * 1024 ** 2,
        timeoutMs: 20_000,
        secret: { name: "api-key", header: "x-api-key", format: "{}" },
        privateAddresses: true,
        redirects: 3,
      },
    ],
    fs: [
      {
        name: "workspace",
        path: workspace,
        access: ["read", "list", "write"],
        maxBytes: 65_536,
        quotaBytes: 8 * 1024 ** 2,
      },
      {
        name: "library",
        path: "/srv/data",
        access: ["read", "list"],
        maxBytes: 1024 ** 2,
        quotaBytes: 64 * 1024 ** 2,
      },
    ],
    exec: [
      {
        program: "/usr/bin/git",
        args: [
          ["status", "--short"],
          ["log", "-n", { pattern: "[0-9]{1,3}" }],
        ],
        timeoutMs: 5_000,
        maxOutputBytes: 131_072,
        stdinBytes: 1_024,
        env: { GIT_PAGER: "cat" },
        network: false,
        cwd: workspace,
      },
    ],
    concurrent: 2,
    perMinute: 60,
  });
  // The same over the wire.
  const decoded = decodeGraph(JSON.parse(JSON.stringify(graph)));
  expect(decoded).toEqual({ ok: true, value: graph });
});

test("an actor with tools runs in a process of its own unless its manifest says otherwise", () => {
  const text = `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: research }
spec: { children: [{ actor: agent, behaviour: "./desk.js#triage", tools: { fs: [{ path: ./w }] } }] }
`;
  const loaded = parseManifests([{ name: "cell.yaml", file: FILE, text }]);
  expect(loaded.ok && [...actorsOf(loaded.value)].map(({ isolation }) => isolation)).toEqual(["process"]);
});

test("what is not said is the least", () => {
  expect(actorOf(undefined).actor.tools).toBeUndefined();
  const { tools } = actorOf(
    "{ http: [{ hosts: [api.example.com] }], exec: [{ program: /usr/bin/true }] }",
  ).actor;
  expect(tools).toMatchObject({
    http: [{ methods: ["GET"], paths: ["/**"], privateAddresses: false, redirects: 0, timeoutMs: 10_000 }],
    fs: [],
    exec: [{ args: [[]], env: {}, stdinBytes: 0 }],
  });
  expect(tools?.http[0]).not.toHaveProperty("secret");
  expect(tools?.exec[0]).not.toHaveProperty("cwd");
});

describe("mistakes", () => {
  test.each([
    ["{ htp: [] }", "MANIFEST_UNKNOWN_FIELD", "http"],
    ["{ http: [{ host: [a.test] }] }", "MANIFEST_UNKNOWN_FIELD", "hosts"],
    ["{ http: [{ hosts: [] }] }", "MANIFEST_INVALID_VALUE", "at least 1"],
    ["{ http: [{ hosts: ['*'] }] }", "MANIFEST_INVALID_VALUE", "a host such as"],
    ["{ http: [{ hosts: ['*.com'] }] }", "MANIFEST_INVALID_VALUE", "a host such as"],
    ["{ http: [{ hosts: [API.example.com] }] }", "MANIFEST_INVALID_VALUE", "a host such as"],
    ["{ http: [{ hosts: ['https://a.test/path'] }] }", "MANIFEST_INVALID_VALUE", "a host such as"],
    ["{ http: [{ hosts: ['2130706433'] }] }", "MANIFEST_INVALID_VALUE", "a host such as"],
    ["{ http: [{ hosts: [a.test], methods: [CONNECT] }] }", "MANIFEST_INVALID_VALUE", "one of GET"],
    ["{ http: [{ hosts: [a.test], paths: [v1] }] }", "MANIFEST_INVALID_VALUE", "a path such as"],
    ["{ http: [{ hosts: [a.test], paths: [/v1/**/x] }] }", "MANIFEST_INVALID_VALUE", "a path such as"],
    ["{ http: [{ hosts: [a.test], maxBytes: 1GiB }] }", "MANIFEST_INVALID_VALUE", "a size from 1B to 16MiB"],
    ["{ http: [{ hosts: [a.test], maxBytes: many }] }", "MANIFEST_INVALID_VALUE", "a size such as"],
    ["{ http: [{ hosts: [a.test], timeout: 1h }] }", "MANIFEST_INVALID_VALUE", "a duration from 1ms to 5m"],
    ["{ http: [{ hosts: [a.test], redirects: 11 }] }", "MANIFEST_INVALID_VALUE", "at most 10"],
    ["{ http: [{ hosts: [a.test], secret: { name: API_KEY } }] }", "MANIFEST_INVALID_VALUE", "a name of a-z"],
    [
      "{ http: [{ hosts: [a.test], secret: { name: k, format: Bearer } }] }",
      "MANIFEST_INVALID_VALUE",
      "a text with `{}`",
    ],
    ["{ fs: [{}] }", "MANIFEST_MISSING_FIELD", ""],
    ["{ fs: [{ path: ./w, access: [delete] }] }", "MANIFEST_INVALID_VALUE", "one of read"],
    ["{ fs: [{ path: / }] }", "MANIFEST_TOOL_INVALID", ""],
    ["{ fs: [{ path: ./a/w }, { path: ./b/w }] }", "MANIFEST_TOOL_INVALID", ""],
    ["{ fs: [{ path: ./a, name: x }, { path: ./b, name: x }] }", "MANIFEST_TOOL_INVALID", ""],
    ["{ exec: [{ program: git }] }", "MANIFEST_INVALID_VALUE", "the absolute path"],
    ["{ exec: [{ program: /usr/bin/ }] }", "MANIFEST_INVALID_VALUE", "the absolute path"],
    [
      "{ exec: [{ program: /bin/x, args: [[{ pattern: '(a+)+' }]] }] }",
      "MANIFEST_INVALID_VALUE",
      "a pattern of characters",
    ],
    ["{ exec: [{ program: /bin/x, args: [a] }] }", "MANIFEST_INVALID_VALUE", "a list"],
    [
      "{ exec: [{ program: /bin/x, env: { 'A=B': c } }] }",
      "MANIFEST_INVALID_VALUE",
      "the name of an environment variable",
    ],
    ["{ concurrent: 0 }", "MANIFEST_INVALID_VALUE", "at least 1"],
    ["all", "MANIFEST_INVALID_VALUE", "a map"],
  ])("%s is told", (tools, code, expected) => {
    const loaded = load(tools);
    if (loaded.ok) throw new Error("it has no problem");
    expect(loaded.error.map((problem) => problem.code)).toEqual([code]);
    expect(loaded.error[0]?.line).toBe(9);
    expect(`${loaded.error[0]?.expected ?? ""} ${loaded.error[0]?.suggestion ?? ""}`).toContain(expected);
  });
});

describe("hosts", () => {
  test.each([
    ["api.example.com", "https://api.example.com/", true],
    ["api.example.com:8443", "https://api.example.com:8443/", true],
    ["api.example.com:8443", "https://api.example.com/", false],
    ["http://localhost:3000", "http://localhost:3000/x", true],
    ["http://[::1]:3000", "http://[::1]:3000/", true],
    ["*.example.org", "https://a.example.org/", true],
    ["*.example.org", "https://example.org/", false],
    ["*.example.org", "https://1.2.3.4/", false],
  ])("%s and %s: %s", (pattern, url, expected) => {
    const host = parseHostPattern(pattern);
    const origin = originOf(new URL(url));
    expect(host !== undefined && origin !== undefined && matchesHost(host, origin)).toBe(expected);
  });

  test.each([
    "",
    "*",
    "*.",
    "*.*.com",
    "a.*.com",
    "a..b",
    ".a",
    "a.",
    "http://",
    "ftp://a.test",
    "a.test:0",
    "a.test:65536",
    "a.test:",
    "a test",
    "0x7f.1",
    "127.1",
    "*.127.0.0.1",
    "[::]x",
    "u@a.test",
    "a.test/x",
    "ünï.test",
  ])("%j is none", (pattern) => {
    expect(parseHostPattern(pattern)).toBeUndefined();
  });
});

describe("a plan", () => {
  const placed = (tools: string | undefined): PlacedGraph => {
    const { actor, graph } = actorOf(tools);
    return { ...graph, placed: { [actor.path]: { shard: 0, node: "a", codeHash: "00".repeat(32) } } };
  };
  const READ = "{ fs: [{ path: /srv/data }] }";
  const WRITE =
    "{ fs: [{ path: /srv/data, access: [read, list, write] }], exec: [{ program: /usr/bin/true }] }";

  test("tells what a new actor may do", () => {
    const { changes } = planGraph(undefined, placed(READ));
    expect(changes.find(({ path }) => path === "research/agent")).toMatchObject({
      kind: "added",
      fields: [
        { field: "tools", new: "fs read,list data (/srv/data), 1MiB a file, 64MiB in all" },
        { field: "tools", new: "at most 4 calls at once, 600 a minute" },
      ],
    });
  });

  test("tells each grant that comes and goes, and restarts nobody", () => {
    const { changes, restarts } = planGraph(placed(READ), placed(WRITE));
    expect(changes).toMatchObject([
      {
        path: "research/agent",
        kind: "changed",
        fields: [
          { field: "tools", old: "fs read,list data (/srv/data), 1MiB a file, 64MiB in all" },
          { field: "tools", new: "fs read,list,write data (/srv/data), 1MiB a file, 64MiB in all" },
          { field: "tools", new: "exec /usr/bin/true, 256KiB in 10s" },
        ],
      },
    ]);
    expect(restarts.size).toBe(0);
    expect(planGraph(placed(WRITE), placed(undefined)).changes[0]?.fields).toHaveLength(3);
  });

  test("is empty when nothing changed", () => {
    expect(planGraph(placed(WRITE), placed(WRITE)).changes).toEqual([]);
  });
});
