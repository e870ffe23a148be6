import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hashBehaviour } from "../../../src/actors/loader/code-files.ts";
import { loadBehaviour } from "../../../src/actors/loader/load-behaviour.ts";
import type { Behaviour } from "../../../src/index.ts";
import { testActor } from "../../../src/testkit.ts";

let root: string;
let folder: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "load-"));
});
beforeEach(() => {
  folder = join(root, String(++count));
});
afterAll(() => rm(root, { recursive: true }));

async function write(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, source);
  return path;
}

const module = (greeting: string): string => `
import { defineActor, intent, reply } from "cell0";
import { setup } from "xstate";
import { z } from "zod";
${greeting}
const intents = { greet: intent({ reply: z.string() }) };
export const greeter = defineActor({ machine: setup({}).createMachine({ on: { greet: { actions: reply(() => greeting) } } }), intents });
export const text = "no behaviour";
`;

async function greet(behaviour: Behaviour): Promise<unknown> {
  await using actor = testActor(behaviour);
  return await actor.request("greet", {});
}

describe("a behaviour's module", () => {
  test("loads from a folder without packages, and runs on the host's own XState", async () => {
    const path = await write("greeter.ts", module(`const greeting = "hello" as string;`));
    expect(await greet(await loadBehaviour({ module: path, export: "greeter" }))).toBe("hello");
  });

  test("is loaded once for the same code", async () => {
    const path = await write("greeter.ts", module(`const greeting = "hello";`));
    const ref = { module: path, export: "greeter" };
    expect(await loadBehaviour(ref)).toBe(await loadBehaviour(ref));
  });

  test("is loaded anew when it changed, and when what it imports changed, however deep", async () => {
    await write("lib/deep.ts", `export const word: string = "one";`);
    await write("lib/middle.ts", `export { word } from "./deep.ts";`);
    const path = await write(
      "greeter.ts",
      module(`import { word } from "./lib/middle.ts"; const greeting = word;`),
    );
    const ref = { module: path, export: "greeter" };
    expect(await greet(await loadBehaviour(ref))).toBe("one");
    await write("lib/deep.ts", `export const word: string = "two";`);
    expect(await greet(await loadBehaviour(ref))).toBe("two");
    await write("greeter.ts", module(`import { word } from "./lib/middle.ts"; const greeting = word + "!";`));
    expect(await greet(await loadBehaviour(ref))).toBe("two!");
  });

  test("loads after it was mended", async () => {
    const path = await write("greeter.ts", `throw new Error("broken");`);
    const ref = { module: path, export: "greeter" };
    await expect(loadBehaviour(ref)).rejects.toMatchObject({ code: "ACTOR_BEHAVIOUR_THREW" });
    await write("greeter.ts", module(`const greeting = "mended";`));
    expect(await greet(await loadBehaviour(ref))).toBe("mended");
  });

  test("of a revision keeps running from memory when its files change, and is refused when it was never loaded", async () => {
    const path = await write("greeter.ts", module(`const greeting = "first";`));
    const codeHash = await hashBehaviour(path);
    const ref = { module: path, export: "greeter", codeHash };
    await loadBehaviour(ref);
    await write("greeter.ts", module(`const greeting = "second";`));
    expect(await greet(await loadBehaviour(ref))).toBe("first");
    await expect(loadBehaviour({ ...ref, codeHash: "0".repeat(64) })).rejects.toMatchObject({
      code: "ACTOR_BEHAVIOUR_CHANGED",
      where: path,
    });
  });

  const rows: [what: string, source: string, name: string, code: string, text: RegExp][] = [
    ["throws", `throw new TypeError("oh no");`, "greeter", "ACTOR_BEHAVIOUR_THREW", /TypeError: oh no/],
    ["has a syntax error", `const = 1;`, "greeter", "ACTOR_BEHAVIOUR_THREW", /fails to load/],
    ["imports what is not there", `import "./absent.ts";`, "greeter", "ACTOR_BEHAVIOUR_THREW", /absent/],
    [
      "exports something else",
      module(`const greeting = "";`),
      "text",
      "ACTOR_BEHAVIOUR_INVALID",
      /text.*defineActor/,
    ],
  ];
  test.for(rows)("that %s is refused with its code", async ([, source, name, code, text]) => {
    const path = await write("bad.ts", source);
    await expect(loadBehaviour({ module: path, export: name })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(text),
    });
  });

  test("that does not exist, or whose export is misspelt, is refused with what is near", async () => {
    const path = await write("greeter.ts", module(`const greeting = "";`));
    await expect(loadBehaviour({ module: `${path}x`, export: "greeter" })).rejects.toMatchObject({
      code: "ACTOR_BEHAVIOUR_NOT_FOUND",
    });
    await expect(loadBehaviour({ module: path, export: "greter" })).rejects.toMatchObject({
      code: "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN",
      remedy: "Did you mean greeter? It exports: greeter, text.",
    });
  });
});

describe("a code hash", () => {
  test("is the same wherever the files lie, and another when any of them differs", async () => {
    const hashIn = async (place: string, word: string): Promise<string> => {
      await write(`${place}/lib/word.ts`, `export const word = "${word}";`);
      return hashBehaviour(
        await write(
          `${place}/greeter.ts`,
          module(`import { word } from "./lib/word.ts"; const greeting = word;`),
        ),
      );
    };
    const [here, there, other] = [await hashIn("a", "x"), await hashIn("b", "x"), await hashIn("c", "y")];
    expect(here).toMatch(/^[0-9a-f]{64}$/);
    expect(there).toBe(here);
    expect(other).not.toBe(here);
  });

  test.for([
    ["export from", `export * from "./part.ts";`],
    ["a dynamic import", `await import("./part.ts");`],
    ["a bare import", `import "./part.ts";`],
    ["a data file", `new URL("./part.ts", import.meta.url);`],
    ["an import over several lines", `import {\n  a,\n  b,\n} from\n  "./part.ts";`],
  ])("covers %s", async ([, source]) => {
    const path = await write("entry.ts", source ?? "");
    await write("part.ts", "1");
    const before = await hashBehaviour(path);
    await write("part.ts", "2");
    expect(await hashBehaviour(path)).not.toBe(before);
  });

  test("ends for modules that import each other, and is refused beyond its bound", async () => {
    await write("b.ts", `import "./a.ts";`);
    expect(await hashBehaviour(await write("a.ts", `import "./b.ts";`))).toHaveLength(64);
    await write("large.json", " ".repeat(17 * 1024 * 1024));
    const large = await write("c.ts", `import data from "./large.json" with { type: "json" };`);
    await expect(hashBehaviour(large)).rejects.toMatchObject({ code: "ACTOR_BEHAVIOUR_TOO_LARGE" });
  });
});
