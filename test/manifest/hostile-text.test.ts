// Laws over arbitrary texts: a manifest is a graph or a list of problems, whatever it holds.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { graphSchema } from "../../src/manifest/graph-schema.ts";
import { type ManifestSource, parseManifests } from "../../src/manifest/load.ts";
import { renderProblems } from "../../src/manifest/problem.ts";

const file = join(import.meta.dirname, "fixtures", "good", "everything.yaml");
const whole = readFileSync(file, "utf8");

function check(text: string): void {
  const source: ManifestSource = { name: "f.yaml", file, text };
  const parsed = parseManifests([source]);
  if (parsed.ok) {
    expect(graphSchema.safeParse(JSON.parse(JSON.stringify(parsed.value))).success).toBe(true);
    return;
  }
  expect(parsed.error.length).toBeGreaterThan(0);
  const lines = text.split("\n");
  for (const { code, line, column, endColumn, excerpt } of parsed.error) {
    expect(code).toMatch(/^MANIFEST_/);
    if (line === 0) continue;
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(excerpt).toBe((lines[line - 1] ?? "").replace(/\r$/, ""));
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual(excerpt.length + 2);
    expect(endColumn).toBeGreaterThan(column);
  }
  expect(renderProblems(parsed.error)).toContain("f.yaml");
}

test("arbitrary text gives problems, never an exception", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), check), { numRuns: 500 });
});

test("arbitrary bytes read as text give problems, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => check(Buffer.from(bytes).toString("utf8"))),
    { numRuns: 300 },
  );
});

test("texts of YAML's own characters give problems, never an exception", () => {
  const unit = fc.constantFrom(..."ab:-?[]{},&*!|>'\"%@#\n \t~0.".split(""));
  fc.assert(fc.property(fc.string({ unit, maxLength: 120 }), check), { numRuns: 1500 });
});

test("a manifest with a part cut out or doubled is a graph or has problems at places that exist", () => {
  const at = fc.nat({ max: whole.length });
  fc.assert(
    fc.property(at, at, fc.boolean(), (a, b, doubled) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      check(doubled ? whole.slice(0, to) + whole.slice(from) : whole.slice(0, from) + whole.slice(to));
    }),
    { numRuns: 400 },
  );
});

test("a manifest with a value of another type in any place is a graph or has problems", () => {
  const lines = whole.split("\n");
  const value = fc.constantFrom(
    "1",
    "[]",
    "{}",
    "null",
    "true",
    "x",
    '""',
    "-1.5",
    "*a",
    "&a b",
    "!t x",
    "[[",
    "{a: [b]}",
  );
  fc.assert(
    fc.property(fc.nat({ max: lines.length - 1 }), value, (index, other) => {
      const changed = lines.with(index, (lines[index] ?? "").replace(/: .*$/, `: ${other}`));
      check(changed.join("\n"));
    }),
    { numRuns: 400 },
  );
});
