// The files of a rotation: what is in force, the next one beside it (`.next`), and the one before
// (`.old`), which is kept until it is removed. Each is whole or not there, also after a power loss.
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export type RotationFiles = { readonly current: string; readonly next: string; readonly old: string };

export const filesOf = (path: string): RotationFiles => ({
  current: path,
  next: `${path}.next`,
  old: `${path}.old`,
});

/** Undefined when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Readable by its owner only; in the place of what is there. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncDirectory(dirname(path));
}

/** The next one is in force from then on, the one before is kept. Interrupted, it can be done again. */
export async function switchFiles({ current, next, old }: RotationFiles): Promise<void> {
  await replaceFile(old, await readFile(current));
  await rename(next, current);
  await syncDirectory(dirname(current));
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}

/** Some file systems cannot; the file itself was synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync().catch(() => undefined);
  } finally {
    await directory.close();
  }
}
