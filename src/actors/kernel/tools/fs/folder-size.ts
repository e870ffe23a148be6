// What the files below a folder hold together, links not followed.
import { type FileHandle, lstat, opendir } from "node:fs/promises";
import { CellError } from "../../../../errors/cell-error.ts";
import { below, openFolder } from "./open-below.ts";

/** Files and folders that are counted; beyond it a folder counts as full. */
const MAX_ENTRIES = 10_000;
const MAX_DEPTH = 40;

/** Bytes, as the files' lengths say. Throws TOOL_QUOTA_EXCEEDED when there are too many to count. */
export async function folderSize(root: FileHandle): Promise<number> {
  let entries = 0;
  const sizeOf = async (folder: FileHandle, depth: number): Promise<number> => {
    let bytes = 0;
    for await (const { name } of await opendir(below(folder, "."))) {
      entries += 1;
      if (entries > MAX_ENTRIES || depth > MAX_DEPTH) {
        throw new CellError(
          "TOOL_QUOTA_EXCEEDED",
          `the folder holds more than ${MAX_ENTRIES} files, or too deep ones`,
        );
      }
      const stat = await lstat(below(folder, name)).catch(() => undefined);
      if (stat?.isFile() === true) bytes += stat.size;
      if (stat?.isDirectory() === true) bytes += await belowSize(folder, name, depth);
    }
    return bytes;
  };
  const belowSize = async (folder: FileHandle, name: string, depth: number): Promise<number> => {
    await using opened = await openFolder(folder, name);
    return await sizeOf(opened, depth + 1);
  };
  return await sizeOf(root, 0);
}
