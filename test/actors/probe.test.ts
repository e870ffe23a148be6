import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProbedBehaviour, probeBehaviours } from "../../src/actors/probe/probe-behaviours.ts";
import type { CellError } from "../../src/errors/cell-error.ts";

const BEHAVIOUR = `
import { defineActor, intent, reply } from "cell0";
import { setup } from "xstate";
import { z } from "zod";
const intents = { ask: intent({ payload: z.object({ n: z.number() }), reply: z.string(), description: "Asks." }), reset: intent() };
export const actor = defineActor({ machine: setup({}).createMachine({ initial: "on", states: { on: {}, off: {} } }), intents });
export const notOne = 7;
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "probe-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}

async function probe(
  module: string,
  name = "actor",
  limits: Parameters<typeof probeBehaviours>[1] = {},
): Promise<ProbedBehaviour | CellError> {
  const [probed] = await probeBehaviours([{ module, export: name }], limits);
  if (probed === undefined) throw new Error("no result");
  return probed.result.ok ? probed.result.value : probed.result.error;
}

test("a behaviour in a folder without packages is described, with JSON Schemas and a code hash", async () => {
  expect(await probe(await write("good.ts", BEHAVIOUR))).toMatchObject({
    codeHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    intents: {
      ask: { description: "Asks.", payload: { type: "object", required: ["n"] }, reply: { type: "string" } },
      reset: { reply: null },
    },
    states: ["on", "off"],
  });
});

test("relative imports and what the module prints do no harm", async () => {
  await write("part.ts", `console.log('{"kind":"loaded"}'); export const part = 1;`);
  expect(
    await probe(
      await write("noisy.ts", `import { part } from "./part.ts"; console.error(part);${BEHAVIOUR}`),
    ),
  ).toMatchObject({ states: ["on", "off"] });
});

describe("a bad module fails with its own code", () => {
  const secret = join(tmpdir(), "probe-secret.txt");
  const cases: [name: string, source: string, code: string, text: RegExp][] = [
    [
      "reads a file elsewhere",
      `import { readFileSync } from "node:fs"; readFileSync("${secret}");`,
      "ACTOR_PROBE_DENIED",
      /reads a file.*probe-secret/,
    ],
    [
      "reads a neighbour that it does not import",
      `import { readdirSync } from "node:fs"; readdirSync(import.meta.dirname);`,
      "ACTOR_PROBE_DENIED",
      /reads a file/,
    ],
    [
      "writes a file",
      `import { writeFileSync } from "node:fs"; writeFileSync("${secret}", "x");`,
      "ACTOR_PROBE_DENIED",
      /writes a file/,
    ],
    [
      "opens a socket and waits",
      `import net from "node:net"; await new Promise((r, e) => net.connect(9, "127.0.0.1").on("error", e));`,
      "ACTOR_PROBE_DENIED",
      /network/,
    ],
    [
      "opens a socket in passing",
      `import net from "node:net"; net.connect(9, "127.0.0.1");`,
      "ACTOR_PROBE_DENIED",
      /network/,
    ],
    ["fetches", `await fetch("http://127.0.0.1:8080/");`, "ACTOR_PROBE_DENIED", /network/],
    [
      "starts a process",
      `import { spawnSync } from "node:child_process"; spawnSync("true");`,
      "ACTOR_PROBE_DENIED",
      /starts a process/,
    ],
    ["kills another process", `process.kill(process.ppid, 0);`, "ACTOR_PROBE_DENIED", /process.kill|Process/],
    ["loops for ever", `for (;;);`, "ACTOR_PROBE_TIMEOUT", /does not finish/],
    [
      "waits for ever",
      `setInterval(() => {}, 1000); await new Promise(() => {});`,
      "ACTOR_PROBE_TIMEOUT",
      /does not finish/,
    ],
    [
      "eats memory",
      `const all = []; for (;;) all.push(new Array(100000).fill({}));`,
      "ACTOR_PROBE_MEMORY",
      /32 MiB/,
    ],
    ["ends the process", `process.exit(0);`, "ACTOR_PROBE_FAILED", /ended its process/],
    ["throws", `throw new TypeError("oh no");`, "ACTOR_BEHAVIOUR_THREW", /oh no/],
    ["has a syntax error", `export const = 1;`, "ACTOR_BEHAVIOUR_THREW", /fails to load/],
    ["imports what is not there", `import "./absent.ts";`, "ACTOR_BEHAVIOUR_THREW", /absent/],
    ["rejects in passing", `void Promise.reject(new Error("late"));`, "ACTOR_BEHAVIOUR_THREW", /late/],
  ];
  test.for(cases)("one that %s", async ([name, source, code, text]) => {
    const module = await write(`${name.replaceAll(" ", "-")}.ts`, `${source}\n${BEHAVIOUR}`);
    const found = await probe(module, "actor", { timeoutMs: 4_000, memoryMiB: 32 });
    expect(found).toMatchObject({ code, message: expect.stringMatching(text) });
  });

  test("a misspelt export, with the nearest one", async () => {
    expect(await probe(await write("misspelt.ts", BEHAVIOUR), "actr")).toMatchObject({
      code: "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN",
      remedy: expect.stringContaining("Did you mean actor?"),
    });
  });

  test("an export that is no behaviour", async () => {
    expect(await probe(await write("not-one.ts", BEHAVIOUR), "notOne")).toMatchObject({
      code: "ACTOR_BEHAVIOUR_INVALID",
    });
  });

  test("a module that is not there", async () => {
    expect(await probe(join(folder, "nowhere.ts"))).toMatchObject({ code: "ACTOR_BEHAVIOUR_NOT_FOUND" });
  });

  test("and its neighbours are judged on their own", async () => {
    const good = await write("good-too.ts", BEHAVIOUR);
    const bad = await write("bad-too.ts", `throw new Error("no");`);
    const results = await probeBehaviours([
      { module: good, export: "actor" },
      { module: bad, export: "actor" },
      { module: good, export: "absent" },
    ]);
    expect(results.map(({ result }) => (result.ok ? "ok" : result.error.code))).toEqual([
      "ok",
      "ACTOR_BEHAVIOUR_THREW",
      "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN",
    ]);
  });
});

test("the sandbox sees no environment", async () => {
  process.env.PROBE_SECRET = "1";
  const source = `if (process.env.PROBE_SECRET !== undefined) throw new Error("seen");${BEHAVIOUR}`;
  expect(await probe(await write("environment.ts", source))).toMatchObject({ states: ["on", "off"] });
});
