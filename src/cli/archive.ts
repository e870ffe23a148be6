// What a backup holds: everything in the data directory but what is made again
// (the broker's own storage, sockets, logs, caches, the locks), and keys that others
// have followed, which are to be destroyed and not copied. Certificates and
// revisions lie there as this node's own signed copy, written file by file, so
// that any moment is consistent.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { CellError } from "../errors/cell-error.ts";

const LEFT_OUT: ReadonlySet<string> = new Set([
  "broker",
  "run",
  "log",
  "lock",
  "cache",
  "replay",
  "replay-floor.json",
]);
const ENDINGS_LEFT_OUT =
  /\.new$|^((node|operator)\.creds|keys\/issuer\.key)\.old$|^(.*\.creds|keys\/.*)\.draft$|^keys\/rotation\.lock$/;
export const MAX_ENTRIES = 100_000;
export const MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** Whether a path relative to the data directory, with '/' in it, belongs into a backup. */
export function belongs(path: string): boolean {
  const [top = ""] = path.split("/", 1);
  return top !== "" && !LEFT_OUT.has(top) && !ENDINGS_LEFT_OUT.test(path);
}

/** Files of the directory that belong into a backup, sorted. Throws CLI_BACKUP_INVALID for anything but files and directories. */
export async function filesOf(root: string, below = ""): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    if (!belongs(path)) continue;
    const entry = await lstat(join(root, path));
    if (entry.isDirectory()) files.push(...(await filesOf(root, path)));
    else if (entry.isFile()) files.push(path);
    else
      throw new CellError("CLI_BACKUP_INVALID", "there is something that is neither file nor directory", {
        where: join(root, path),
      });
  }
  return files;
}
