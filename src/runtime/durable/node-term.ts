// The node's own term: rises with every start of its process, and is written down before
// anything bears it. The terms of its shards are at least as high.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";

/** Throws what the file system throws: without its term a node does not start. */
export function raiseTerm(path: string, least = 1): number {
  const term = Math.max(readTerm(path) + 1, least);
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(file, `${term}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  return term;
}

/** 0: there is none, or it cannot be read. */
function readTerm(path: string): number {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
