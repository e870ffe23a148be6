// Which files a graph depends on: its manifests, its behaviours' modules, and
// what those import by a relative path. Found by reading import statements, not
// by running anything; a specifier that is computed is not seen.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import type { ChildSpec, Graph } from "../manifest/graph.ts";

const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;
const MAX_FILES = 2_000;
const MAX_BYTES = 2 * 1024 * 1024;

/** Absolute paths of the manifests, those of directories included. */
export async function manifestFiles(paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isDirectory() !== true) files.push(path);
    else {
      const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name));
      files.push(...names.map((name) => join(path, name)));
    }
  }
  return files;
}

/** Absolute paths of a graph's modules and of what they import, at most 2,000. */
export async function moduleFiles(graph: Graph): Promise<readonly string[]> {
  const found = new Set<string>();
  const open = [...new Set(graph.roots.flatMap(modulesOf))];
  for (let file = open.pop(); file !== undefined && found.size < MAX_FILES; file = open.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    open.push(...(await importsOf(file)));
  }
  return [...found];
}

const modulesOf = (spec: ChildSpec): readonly string[] =>
  spec.kind === "actor" ? [spec.behaviour.module] : spec.children.flatMap(modulesOf);

async function importsOf(file: string): Promise<readonly string[]> {
  if (!/^\.[cm]?[jt]s$/.test(extname(file))) return [];
  const entry = await stat(file).catch(() => undefined);
  if (entry === undefined || entry.size > MAX_BYTES) return [];
  const text = await readFile(file, "utf8").catch(() => "");
  return [...text.matchAll(SPECIFIER)].flatMap(([, specifier]) =>
    specifier === undefined ? [] : [resolve(dirname(file), specifier)],
  );
}
