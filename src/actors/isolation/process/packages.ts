// Installed packages that a behaviour imports: which folders its process may read
// for them. A folder with a symbolic link out of itself is not granted, because the
// permission model follows links.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, join, sep } from "node:path";
import { CellError } from "../../../errors/cell-error.ts";
import type { BehaviourCode } from "./code-slot.ts";

/** What this package's own code needs on the actor's side. */
const OWN_PACKAGES = ["xstate", "zod", "@bufbuild/protobuf"];
/** Always the host's own, see resolve-hook.ts. */
const SHARED = /^(?:cell0|xstate|zod)(?:\/|$)/;
const BARE = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'`])([^"'`\s./][^"'`\n]*)\1/g;
const MAX_ENTRIES = 300_000;

/** This package's code and manifest, and the few packages that it needs there. @param code the form of it that is run */
export function ownReadable(code: string): string[] {
  const packages = OWN_PACKAGES.map((name) => findPackageJSON(name, import.meta.url)).flatMap((path) =>
    path === undefined ? [] : [dirname(path), realpathSync(dirname(path)), ...linksAbove(dirname(path))],
  );
  return [...new Set([code, join(code, "..", "package.json"), ...packages])];
}

/** A node_modules that is itself a link, as in a checkout that borrows another's: Node looks at it on its way. */
function linksAbove(folder: string): string[] {
  const links: string[] = [];
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    if (lstatSync(at).isSymbolicLink()) links.push(at);
  }
  return links;
}

/**
 * node_modules folders that the code resolves packages from; none when it imports none.
 * @throws CellError ACTOR_PACKAGES_UNSAFE
 */
export async function packagesOf(code: BehaviourCode): Promise<readonly string[]> {
  const before = known.get(code);
  if (before !== undefined) return before;
  const packages = await foundPackages(code);
  known.set(code, packages);
  return packages;
}

/** Installed packages do not change under a running cell. */
const known = new WeakMap<BehaviourCode, readonly string[]>();

async function foundPackages({ files }: BehaviourCode): Promise<readonly string[]> {
  if (!files.some(({ path, bytes }) => importsPackage(path, bytes))) return [];
  const found = new Set<string>();
  for (const { path } of files) {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const packages = join(folder, "node_modules");
      if (existsSync(packages)) found.add(packages);
      if (folder === dirname(folder)) break;
    }
  }
  const roots = new Set([...found].flatMap((path) => [path, realpathSync(path)]));
  for (const root of roots) await requireClosed(root, [...roots]);
  return [...roots];
}

function importsPackage(path: string, bytes: Uint8Array): boolean {
  if (!/\.(?:[cm]?[jt]s|[jt]sx)$/.test(path)) return false;
  const source = new TextDecoder().decode(bytes);
  return [...source.matchAll(BARE)].some(
    ([, , name = ""]) => !name.startsWith("node:") && !SHARED.test(name),
  );
}

const judged = new Map<string, Promise<string | undefined>>();

/** Judged once a process, for the same reason. */
async function requireClosed(root: string, roots: readonly string[]): Promise<void> {
  let judgement = judged.get(root);
  if (judgement === undefined) {
    judgement = linkOutOf(root, roots);
    judged.set(root, judgement);
  }
  const link = await judgement;
  if (link === undefined) return;
  throw new CellError("ACTOR_PACKAGES_UNSAFE", `${link} leads out of ${root}`, { where: root });
}

/** The first link that leads out, or the place where looking was given up. */
async function linkOutOf(root: string, roots: readonly string[]): Promise<string | undefined> {
  const folders = [root];
  let entries = 0;
  for (const folder of folders) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (++entries > MAX_ENTRIES) return path;
      if (entry.isDirectory()) folders.push(path);
      if (!entry.isSymbolicLink()) continue;
      const target = await realpath(path).catch(() => undefined);
      const isInside = roots.some((each) => target?.startsWith(each + sep) === true);
      if (target !== undefined && !isInside) return path;
    }
  }
  return undefined;
}
