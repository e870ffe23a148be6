import { join } from "node:path";
import { expect, test } from "vitest";
import { referenceExample } from "../../scripts/manifest-reference.ts";
import { INFINITE_MS } from "../../src/manifest/graph.ts";
import { loadManifests, parseManifestText } from "../../src/manifest/load.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const cwd = join(fixtures, "good");
const module = join(fixtures, "desk.js");
const behaviour = { module, export: "triage" };

async function graphOf(file: string) {
  const loaded = await loadManifests([file], { cwd });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

test("the smallest manifest gets the defaults of OTP's supervisor", async () => {
  expect(await graphOf("smallest.yaml")).toEqual({
    roots: [
      {
        kind: "supervisor",
        path: "hello",
        strategy: "one_for_one",
        intensity: 1,
        periodMs: 5000,
        backoff: { initialMs: 0, maxMs: 10_000, factor: 2 },
        restart: "permanent",
        children: [],
      },
    ],
    clients: [],
  });
});

test("every field reaches the graph as a path, a number of milliseconds or plain JSON", async () => {
  const { roots, clients } = await graphOf("everything.yaml");
  const [triage, drafting, desks, parts] = roots[0]?.children ?? [];
  expect(roots[0]).toMatchObject({
    strategy: "rest_for_one",
    autoShutdown: "all_significant",
    intensity: 3,
    periodMs: 10_000,
    backoff: { initialMs: 100, maxMs: 5000, factor: 1.5 },
  });
  expect(triage).toEqual({
    kind: "actor",
    path: "support/triage",
    behaviour,
    input: { limit: 20, labels: ["a", "b"], nothing: null, key: { $secret: "openai" } },
    restart: "transient",
    shutdownMs: 1500,
    backoff: { initialMs: 1000, maxMs: 10_000, factor: 2 },
    significant: true,
    isolation: "process",
    limits: { memoryBytes: 67_108_864, cpu: 0.5 },
    sandbox: "required",
    durable: false,
    mailbox: { bound: 10, whenFull: "drop_oldest" },
    progressMs: 90_000,
    poisonDeaths: 3,
    onCorruption: "park",
    intents: {
      "ticket.open": { payload: { type: "object", required: ["subject"] }, costMicro: 250_000 },
      "ticket.close": {},
      "ticket.read": { payload: { type: "object", properties: { id: { type: "string" } } } },
    },
    grants: [{ intents: ["ticket.route", "draft.**"], targets: ["support/drafting/writer", "elsewhere/**"] }],
    placement: { node: "b" },
  });
  expect(desks).toMatchObject({
    strategy: "simple_one_for_one",
    significant: true,
    children: [],
    template: { path: "support/desks", input: { limit: 1 }, restart: "temporary", shutdownMs: INFINITE_MS },
  });
  expect(parts).toMatchObject({ strategy: "one_for_all", children: [{ shutdownMs: 0 }] });
  expect(drafting).toMatchObject({
    kind: "supervisor",
    path: "support/drafting",
    intensity: 0,
    periodMs: 3_600_000,
    restart: "temporary",
    children: [
      {
        path: "support/drafting/writer",
        input: null,
        restart: "permanent",
        shutdownMs: 5000,
        mailbox: { bound: 1000, whenFull: "block" },
        intents: { "draft.write": {} },
        grants: [],
        placement: {},
      },
    ],
  });
  expect(drafting?.kind === "supervisor" && drafting.children[0]).not.toHaveProperty("progressMs");
  expect(clients).toEqual([
    { graph: "support", name: "alice", grants: [{ intents: ["**"], targets: ["support/*"] }] },
  ]);
});

test("several documents of a file are several graphs, whose grants may name each other", async () => {
  const { roots } = await graphOf("two-graphs.yaml");
  expect(roots.map(({ path }) => path)).toEqual(["support", "billing"]);
});

test("the example of the reference is a manifest but for its modules, which are not there", () => {
  const parsed = parseManifestText(referenceExample, "docs/manifest.md");
  const codes = parsed.ok ? [] : parsed.error.map(({ code }) => code);
  expect(new Set(codes)).toEqual(new Set(["MANIFEST_BEHAVIOUR_NOT_FOUND"]));
});

test("words that older YAML reads as truth values stay words", () => {
  const text = `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: no }
spec: { children: [{ actor: on, behaviour: ./package.ts#x, input: { off: yes, 1: 0x10 } }] }
`;
  const parsed = parseManifestText(text);
  expect(parsed.ok ? [] : parsed.error.map(({ code }) => code)).toEqual(["MANIFEST_BEHAVIOUR_NOT_FOUND"]);
});
