// The files that a behaviour is made of: its module and what that imports by
// relative paths, found by reading the sources. Their hash names the code.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { CellError } from "../../errors/cell-error.ts";

const MAX_FILES = 1000;
const MAX_BYTES = 16 * 1024 * 1024;

/** import, export from, import(), require() and new URL() with a relative literal. */
const REFERENCES =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bnew\s+URL\s*\(\s*)(["'`])(\.{1,2}\/[^"'`\n?#$]+)[^"'`\n$]*\1/g;

export type CodeFile = { readonly path: string; readonly bytes: Uint8Array };

/**
 * In order of discovery, the module first. What is named in a comment counts too; a
 * reference to nothing is left for the import to complain about.
 * @throws CellError ACTOR_BEHAVIOUR_NOT_FOUND, ACTOR_BEHAVIOUR_TOO_LARGE
 */
export async function codeFiles(module: string): Promise<readonly CodeFile[]> {
  return (await readCodeFiles(module)).files;
}

/** The same with all paths that were looked at, also those where nothing was. */
export async function readCodeFiles(
  module: string,
): Promise<{ readonly files: readonly CodeFile[]; readonly looked: readonly string[] }> {
  const entry = resolve(module);
  const files: CodeFile[] = [];
  const seen = new Set([entry]);
  let total = 0;
  // The list grows while it is walked.
  for (const path of seen) {
    const bytes = await readIfThere(path);
    if (bytes === undefined) {
      if (path === entry) throw notFound(module);
      continue;
    }
    total += bytes.byteLength;
    if (files.length >= MAX_FILES || total > MAX_BYTES) {
      throw new CellError("ACTOR_BEHAVIOUR_TOO_LARGE", undefined, { where: module });
    }
    files.push({ path, bytes });
    for (const reference of referencesOf(bytes, path)) seen.add(reference);
  }
  return { files, looked: [...seen] };
}

/** SHA-256 over paths, relative to the module, and contents; hex. */
export function hashFiles(files: readonly CodeFile[]): string {
  const root = dirname(files[0]?.path ?? "");
  const hash = createHash("sha256");
  const named = files.map(({ path, bytes }) => ({ name: relative(root, path).replaceAll("\\", "/"), bytes }));
  for (const { name, bytes } of named.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${name}\0${bytes.byteLength}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** Code hash of a behaviour's module. @throws CellError as `codeFiles` */
export async function hashBehaviour(module: string): Promise<string> {
  return hashFiles(await codeFiles(module));
}

function referencesOf(bytes: Uint8Array, path: string): string[] {
  if (!/\.(?:[cm]?[jt]s|[jt]sx)$/.test(path)) return [];
  const source = new TextDecoder().decode(bytes);
  return [...source.matchAll(REFERENCES)].map(([, , reference = ""]) => resolve(dirname(path), reference));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch {
    return undefined;
  }
}

function notFound(module: string): CellError {
  return new CellError("ACTOR_BEHAVIOUR_NOT_FOUND", `there is no readable file ${module}`, { where: module });
}
