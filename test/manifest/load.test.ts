import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadManifests, MAX_FILE_BYTES, parseManifestText } from "../../src/manifest/load.ts";
import { processorMs } from "../measure.ts";

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "cell0-manifests-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const graph = (name: string, children = "[]") =>
  `apiVersion: cell0.dev/v1\nkind: ActorGraph\nmetadata: { name: ${name} }\nspec: { children: ${children} }\n`;

const write = (name: string, content: string | Uint8Array) => writeFileSync(join(cwd, name), content);

async function codesOf(...paths: string[]): Promise<readonly string[]> {
  const loaded = await loadManifests(paths, { cwd });
  return loaded.ok ? [] : loaded.error.map(({ file, code }) => `${file} ${code}`);
}

test("a directory gives the graphs of its .yaml and .yml files in the order of their names", async () => {
  write("b.yaml", graph("second"));
  write("a.yml", graph("first"));
  write("notes.txt", "not a manifest");
  mkdirSync(join(cwd, "below"));
  writeFileSync(join(cwd, "below", "c.yaml"), graph("third"));
  const loaded = await loadManifests(["."], { cwd });
  expect(loaded.ok && loaded.value.roots.map(({ path }) => path)).toEqual(["first", "second"]);
});

test("a file that is named twice, or beside its directory, is read once", async () => {
  write("a.yaml", graph("first"));
  expect(await codesOf("a.yaml", ".", "./a.yaml")).toEqual([]);
});

test("two files that state one graph are told apart by the second's place", async () => {
  write("a.yaml", graph("same"));
  write("b.yaml", graph("same"));
  expect(await codesOf(".")).toEqual(["b.yaml MANIFEST_DUPLICATE_NAME"]);
});

test("problems of all files are told at once, also of those that are not there", async () => {
  write("a.yaml", graph("Bad"));
  write("b.yaml", "kind: [");
  expect(await codesOf("a.yaml", "gone.yaml", "b.yaml")).toEqual([
    "gone.yaml MANIFEST_NOT_FOUND",
    "a.yaml MANIFEST_INVALID_VALUE",
    "b.yaml MANIFEST_SYNTAX",
  ]);
});

test("a grant may name an actor of another file, and is told when that file has no such actor", async () => {
  const sender = (target: string) =>
    `[{ actor: a, behaviour: ./m.js#m, grants: [{ intents: [x], targets: [${target}] }] }]`;
  write("m.js", "");
  write("b.yaml", graph("b", "[{ actor: there, behaviour: ./m.js#m }]"));
  write("a.yaml", graph("a", sender("b/there")));
  expect(await codesOf(".")).toEqual([]);
  write("a.yaml", graph("a", sender("b/their")));
  expect(await codesOf(".")).toEqual(["a.yaml MANIFEST_GRANT_UNREACHABLE"]);
  // Alone, `b` may already run in the cell.
  expect(await codesOf("a.yaml")).toEqual([]);
});

test("a grant is judged although the document that it leads to has another problem", async () => {
  write("m.js", "");
  const grants = "grants: [{ intents: [x], targets: [b/nobody, b/there] }]";
  write("a.yaml", graph("a", `[{ actor: a, behaviour: ./m.js#m, ${grants} }]`));
  write("b.yaml", graph("b", "[{ actor: there, behaviour: ./m.js#m, restart: never }]"));
  expect(await codesOf(".")).toEqual(["a.yaml MANIFEST_GRANT_UNREACHABLE", "b.yaml MANIFEST_INVALID_VALUE"]);
});

test("a directory without manifests, an empty file and a binary one are told", async () => {
  expect(await codesOf(".")).toEqual([" MANIFEST_NOT_FOUND".trim()].map((code) => `${cwd} ${code}`));
  write("empty.yaml", "");
  write("binary.yaml", new Uint8Array([0xff, 0xfe, 0x00]));
  expect(await codesOf(".")).toEqual(["binary.yaml MANIFEST_SYNTAX", "empty.yaml MANIFEST_NOT_FOUND"]);
});

test("a file beyond the limit is not read", async () => {
  write("large.yaml", " ".repeat(MAX_FILE_BYTES + 1));
  expect(await codesOf("large.yaml")).toEqual(["large.yaml MANIFEST_TOO_LARGE"]);
});

test("a text that is no manifest at all gets a bounded number of problems, in reasonable time", () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join("\n");
  let parsed: ReturnType<typeof parseManifestText> | undefined;
  const ms = processorMs(() => {
    parsed = parseManifestText(text);
  });
  const problems = parsed === undefined || parsed.ok ? [] : parsed.error;
  expect(ms).toBeLessThan(10_000);
  expect(problems.length).toBe(501);
  expect(problems.at(-1)?.code).toBe("MANIFEST_TOO_MANY_PROBLEMS");
});

test("problems stand in the order of their places", () => {
  const parsed = parseManifestText("kind: Graph\napiVersion: 1\nmetadata: {}\nfoo: 1\nspec: { period: 1 }\n");
  const places = parsed.ok ? [] : parsed.error.map(({ line, column }) => [line, column]);
  expect(places).toEqual([
    [1, 7],
    [2, 13],
    [3, 1],
    [4, 1],
    [5, 17],
  ]);
});

test.each([
  ["brackets that are never closed", "[".repeat(100_000)],
  ["maps that are never closed", "{a: ".repeat(100_000)],
  ["lists in lists", "- ".repeat(100_000)],
  ["quotes that are never closed", `${"a: [\n".repeat(20_000)}"`],
  ["tabs on every line", "a:\n\t- b\n".repeat(20_000)],
  ["anchors", "&a ".repeat(50_000)],
])("%s take no more than a few seconds, and few problems", (_name, text) => {
  let count = 0;
  const ms = processorMs(() => {
    const parsed = parseManifestText(text);
    count = parsed.ok ? 0 : parsed.error.length;
  });
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThanOrEqual(10);
  expect(ms).toBeLessThan(10_000);
});
