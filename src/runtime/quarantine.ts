// Where snapshots lie that must not be used, for inspection: one file each, in a
// directory bounded by count and bytes, from which the oldest give way. A disk that takes
// nothing more costs the file, never the restart that it is about.
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import type { SetAside } from "../supervisor/set-aside.ts";

export type QuarantineOptions = {
  readonly directory: string;
  readonly now: () => number;
  readonly onProblem: (error: CellError) => void;
  /** Default 64. */
  readonly maxFiles?: number;
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** Makes the file, and throws when it cannot; default: the file system's. */
  readonly write?: (file: string, bytes: Uint8Array) => void;
};

/** Returns what `TreePorts.quarantine` is: the file's path, or "" when it could not be kept. Never throws. */
export function openQuarantine(options: QuarantineOptions): (bad: SetAside) => string {
  const { directory, now, onProblem, write = writeNew } = options;
  let count = 0;
  return (bad) => {
    const actor = bad.path.replaceAll("/", ".").slice(0, 100);
    const expected = toHex(bad.snapshot.hash).slice(0, 16);
    const time = new Date(now()).toISOString().replaceAll(/[:.]/g, "-");
    count += 1;
    const file = join(directory, `${time}-${String(count).padStart(6, "0")}-${actor}-${expected}.snapshot`);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      makeRoom(options, bad.snapshot.bytes.length);
      write(file, bad.snapshot.bytes);
      return file;
    } catch (cause) {
      const what = "a damaged snapshot could not be kept for inspection";
      onProblem(new CellError("ACTOR_SNAPSHOT_CORRUPT", what, { where: file, cause }));
      return "";
    }
  };
}

/** What a full disk took a part of is no evidence, and goes. */
function writeNew(file: string, bytes: Uint8Array): void {
  const made = openSync(file, "wx", 0o600);
  try {
    writeFileSync(made, bytes);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(made);
  }
}

/** Names begin with the time, so that their order is that of age. */
function makeRoom(
  { directory, maxFiles = 64, maxBytes = 64 * 1024 * 1024 }: QuarantineOptions,
  bytes: number,
): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(".snapshot"))
    .sort()
    .map((name) => ({ path: join(directory, name), bytes: statSync(join(directory, name)).size }));
  let held = files.reduce((sum, file) => sum + file.bytes, 0);
  let left = files.length;
  for (const file of files) {
    if (left < maxFiles && held + bytes <= maxBytes) return;
    rmSync(file.path, { force: true });
    held -= file.bytes;
    left -= 1;
  }
}
