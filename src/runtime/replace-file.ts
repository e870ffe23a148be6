// Files that hold keys are whole or not there, also after a power loss, and readable by their owner only.
import { constants } from "node:fs";
import { chmod, chown, lstat, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Never what somebody else has put there, nor where a link leads. */
const ANEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Undefined when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** In the place of what is there, with its owner and mode; else readable by its owner only. A link is replaced, not followed. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.draft`;
  await rm(draft, { force: true });
  const file = await open(draft, ANEW, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await takeAfter(draft, path);
  await rename(draft, path);
  await syncDirectory(dirname(path));
}

/** Owner and mode of a file are those of another one, when that is there: whoever reads it is to read it still. */
export async function takeAfter(path: string, model: string): Promise<void> {
  const before = await attributesOf(model);
  if (before?.isFile() !== true) return;
  const now = await stat(path);
  if (before.uid !== now.uid || before.gid !== now.gid) await chown(path, before.uid, before.gid);
  if ((before.mode & 0o777) !== (now.mode & 0o777)) await chmod(path, before.mode & 0o777);
}

async function attributesOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Some file systems cannot; the file itself was synced. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync().catch(() => undefined);
  } finally {
    await directory.close();
  }
}
