// What the cradle's process loads: its own folder and Node's modules, so that neither keys,
// manifests nor connections can be in it.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const source = join(import.meta.dirname, "..", "..", "..", "src");
const ENTRY = join(source, "supervisor", "cradle", "entry.ts");
/** Of values: types are gone when it runs. */
const IMPORT =
  /^(?:import|export)(?! type\b)[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)|^import\s+"([^"]+)"/gm;

function reached(entry: string): { readonly files: readonly string[]; readonly packages: readonly string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, from, dynamic, bare] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const name = from ?? dynamic ?? bare ?? "";
      if (name.startsWith(".")) visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  visit(entry);
  return { files: [...files].map((file) => relative(source, file)), packages: [...packages] };
}

test("the cradle's process is made of its own folder alone", () => {
  const { files, packages } = reached(ENTRY);
  expect(files.length).toBeGreaterThan(8);
  expect(files.filter((file) => dirname(file) !== join("supervisor", "cradle"))).toEqual([]);
  expect(packages.filter((name) => !/^node:(child_process|fs|net|process)$/.test(name))).toEqual([]);
});

test("the look at imports sees what a process of the command line loads", () => {
  const { files } = reached(join(source, "cli", "run-up.ts"));
  for (const folder of ["security", "manifest", "transport"])
    expect(files.some((file) => file.startsWith(folder))).toBe(true);
});
