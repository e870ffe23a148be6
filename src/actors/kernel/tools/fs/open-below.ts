// Opens what lies below a folder, one token at a time, each relative to the
// descriptor of the one before (/proc/self/fd/N/token, Linux's way to openat) and
// with O_NOFOLLOW: no symbolic link is followed at any token, and nobody who renames
// or replaces something meanwhile leads the way elsewhere, because what is held is
// the opened folder and not its name.
//
// What remains: the granted folder itself is opened by its path, as the manifest's
// author wrote it; a folder that is moved out of the granted one while it is open
// stays open; and whoever may mount can lay another file system over a file.
import { constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { CellError } from "../../../../errors/cell-error.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Path of a token below an opened folder. */
export const below = (folder: FileHandle, token: string): string => `/proc/self/fd/${folder.fd}/${token}`;

/** Opens the granted folder. Throws TOOL_UNSUPPORTED, TOOL_NOT_FOUND. */
export async function openRoot(path: string): Promise<FileHandle> {
  if (process.platform !== "linux") throw new CellError("TOOL_UNSUPPORTED");
  try {
    return await open(path, O_RDONLY | O_DIRECTORY);
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT" && codeOf(cause) !== "ENOTDIR") throw cause;
    throw new CellError("TOOL_NOT_FOUND", "the granted folder is not there", { cause });
  }
}

/** Opens a folder below another and closes that. Throws TOOL_PATH_REFUSED, TOOL_NOT_FOUND. */
export async function descend(folder: FileHandle, tokens: readonly string[]): Promise<FileHandle> {
  let at = folder;
  for (const token of tokens) {
    const next = await openFolder(at, token).finally(() => at.close());
    at = next;
  }
  return at;
}

export async function openFolder(folder: FileHandle, token: string): Promise<FileHandle> {
  const opened = await open(below(folder, token), O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(
    (cause: unknown) => {
      throw pathError(cause);
    },
  );
  try {
    const [own, above] = [await opened.stat(), await folder.stat()];
    if (own.dev !== above.dev)
      throw new CellError("TOOL_PATH_REFUSED", "the path leads to another file system");
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * Opens a plain file for reading. Nothing else is even opened: a device may act on it, and
 * a pipe would wait. A file with several names may be a file from elsewhere.
 */
export async function openFile(folder: FileHandle, token: string): Promise<FileHandle> {
  const path = below(folder, token);
  const seen = await lstat(path).catch((cause: unknown) => {
    throw pathError(cause);
  });
  if (seen.isSymbolicLink()) throw linked();
  if (!seen.isFile()) throw new CellError("TOOL_PATH_REFUSED", "it is no plain file");
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: unknown) => {
    throw pathError(cause);
  });
  try {
    const stat = await file.stat();
    // Replaced between the look and the opening, or not.
    if (!stat.isFile()) throw new CellError("TOOL_PATH_REFUSED", "it is no plain file");
    if (stat.nlink > 1) throw new CellError("TOOL_PATH_REFUSED", "the file has several names (hard links)");
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** O_NOFOLLOW answers ELOOP for a link, and O_DIRECTORY ENOTDIR. */
export function pathError(cause: unknown): unknown {
  switch (codeOf(cause)) {
    case "ENOENT":
      return new CellError("TOOL_NOT_FOUND", undefined, { cause });
    case "ELOOP":
      return linked(cause);
    case "ENOTDIR":
      return new CellError("TOOL_PATH_REFUSED", "a token of the path is no folder, or a symbolic link", {
        cause,
      });
    case "ENXIO":
      return new CellError("TOOL_PATH_REFUSED", "it is no plain file", { cause });
    default:
      return cause;
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

const linked = (cause?: unknown): CellError =>
  new CellError("TOOL_PATH_REFUSED", "the path leads over a symbolic link", { cause });
