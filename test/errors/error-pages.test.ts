import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorPages } from "../../scripts/generate-errors.ts";
import { setupErrors } from "../../scripts/setup/setup-error.mjs";
import { errorRegistry } from "../../src/errors/registry.ts";

const root = join(import.meta.dirname, "..", "..");

test("the pages on error codes are what `npm run generate` makes of the registry", () => {
  const pages = errorPages();
  const stale = [...pages].filter(([path, content]) => readIfThere(join(root, "docs", path)) !== content);
  const superfluous = readdirSync(join(root, "docs", "errors")).filter(
    (name) => !pages.has(join("errors", name)),
  );
  expect({ stale: stale.map(([path]) => path), superfluous }).toEqual({ stale: [], superfluous: [] });
});

test.each(Object.entries({ ...setupErrors, ...errorRegistry }))(
  "%s says what, why and what to do",
  (code, definition) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z0-9]+)+$/);
    for (const text of [definition.title, definition.cause, definition.remedy])
      expect(text.length).toBeGreaterThan(8);
  },
);

test("no lack of authority is advised to be tried again, and of tokens only what the node could not judge yet", () => {
  const retried = Object.entries(errorRegistry).filter(
    ([code, { retry }]) => retry !== "never" && /^(AUTHORITY|CAPABILITY)_/.test(code),
  );
  expect(retried.map(([code]) => code).sort()).toEqual([
    "CAPABILITY_REVOCATIONS_UNHEARD",
    "CAPABILITY_REVOCATIONS_UNWRITTEN",
    "CAPABILITY_UNDECIDED",
  ]);
});

test("the launcher uses only declared codes", () => {
  const used = readFileSync(join(root, "bin", "cell0.mjs"), "utf8").match(/"SETUP_[A-Z_]+"/g) ?? [];
  expect(used.length).toBeGreaterThan(0);
  for (const code of used) expect(Object.keys(setupErrors)).toContain(JSON.parse(code));
});

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
