// The files of a rotation: what is in force, the next one beside it (`.next`), and the one before
// (`.old`), which is kept until it is removed.
import { lstat, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceFile, syncDirectory, takeAfter } from "../../runtime/replace-file.ts";

export type RotationFiles = { readonly current: string; readonly next: string; readonly old: string };

export const filesOf = (path: string): RotationFiles => ({
  current: path,
  next: `${path}.next`,
  old: `${path}.old`,
});

/** Where a link leads, for the next file to take the place of that one and not of the link. */
export async function realFile(path: string): Promise<string> {
  const isLink = await lstat(path).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );
  return isLink ? await realpath(path) : path;
}

/** The next one is in force from then on, the one before is kept. Interrupted, it can be done again. */
export async function switchFiles({ current, next, old }: RotationFiles): Promise<void> {
  await replaceFile(old, await readFile(current));
  await takeAfter(next, current);
  await rename(next, current);
  await syncDirectory(dirname(current));
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}
