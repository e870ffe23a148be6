// Writes a file below a granted folder, whole or not at all: a draft beside it is
// written and made durable, then takes its name. Links are never written through:
// a name is replaced, not what it points to.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { CellError } from "../../../../errors/cell-error.ts";
import type { FileWritten, WriteRequest } from "../contract.ts";
import type { Deed } from "../tool-call.ts";
import { folderSize } from "./folder-size.ts";
import { below, codeOf, descend, openFile, openFolder, openRoot, pathError } from "./open-below.ts";
import { DRAFT_PREFIX, type Place } from "./path-policy.ts";
import { readExactly } from "./read-file.ts";

type Options = Pick<WriteRequest, "mode" | "parents">;

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** One at a time in a folder: the quota is counted, then used. */
export async function performWrite(
  { grant, tokens }: Place,
  content: Buffer,
  options: Options,
): Promise<Deed<FileWritten>> {
  const token = tokens.at(-1);
  if (token === undefined) throw new CellError("TOOL_PATH_REFUSED", "the granted folder is no file");
  await using root = await openRoot(grant.path);
  await using folder = await openParent(grant.path, tokens.slice(0, -1), options.parents);
  const old = await oldFile(folder, token, options.mode, grant.maxBytes);
  const bytes = options.mode === "append" ? Buffer.concat([old.content, content]) : content;
  if (bytes.length > grant.maxBytes) throw tooLarge(bytes.length, grant.maxBytes);
  // The draft and the old file stand side by side for a moment; that is not counted.
  const after = (await folderSize(root)) - old.size + bytes.length;
  if (after > grant.quotaBytes) {
    throw new CellError(
      "TOOL_QUOTA_EXCEEDED",
      `the folder would hold ${after} bytes, its quota is ${grant.quotaBytes}`,
    );
  }
  await put(folder, token, bytes, options.mode);
  return {
    reply: { size: bytes.length },
    outcome: `${bytes.length} bytes`,
    bytesIn: 0,
    bytesOut: content.length,
  };
}

async function openParent(path: string, tokens: readonly string[], parents: boolean): Promise<FileHandle> {
  let at = await openRoot(path);
  if (!parents) return await descend(at, tokens);
  for (const token of tokens) {
    const folder = at;
    try {
      await mkdir(below(folder, token), { mode: 0o755 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw pathError(error);
      });
      at = await openFolder(folder, token);
    } finally {
      await folder.close();
    }
  }
  return at;
}

/** What stands there now; only plain files give way. */
async function oldFile(
  folder: FileHandle,
  token: string,
  mode: Options["mode"],
  maxBytes: number,
): Promise<{ readonly size: number; readonly content: Buffer }> {
  const stat = await lstat(below(folder, token)).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw pathError(error);
  });
  if (stat === undefined) return { size: 0, content: Buffer.alloc(0) };
  if (stat.isSymbolicLink()) throw new CellError("TOOL_PATH_REFUSED", "the path leads over a symbolic link");
  if (!stat.isFile()) throw new CellError("TOOL_PATH_REFUSED", "it is no plain file");
  if (mode === "create") throw new CellError("TOOL_EXISTS");
  if (mode === "replace") return { size: stat.size, content: Buffer.alloc(0) };
  await using file = await openFile(folder, token);
  const { size } = await file.stat();
  // Judged before it is read: whoever made the file, its size is not the node's memory.
  if (size > maxBytes) throw tooLarge(size, maxBytes);
  return { size, content: await readExactly(file, 0, size) };
}

const tooLarge = (size: number, maxBytes: number): CellError =>
  new CellError("TOOL_TOO_LARGE", `the file would have ${size} bytes, the grant allows ${maxBytes}`);

async function put(folder: FileHandle, token: string, bytes: Buffer, mode: Options["mode"]): Promise<void> {
  const draft = below(folder, `${DRAFT_PREFIX}${randomBytes(9).toString("hex")}`);
  const target = below(folder, token);
  try {
    await using file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    await file.writeFile(bytes);
    await file.sync();
    // A link fails where there is a file by now; a rename would replace it.
    if (mode === "create") await link(draft, target);
    else await rename(draft, target);
    await folder.sync();
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw new CellError("TOOL_EXISTS");
    throw pathError(error);
  } finally {
    // After a rename there is none.
    await unlink(draft).catch(() => {});
  }
}
