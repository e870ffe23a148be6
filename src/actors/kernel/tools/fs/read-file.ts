// Reads a file, or a part of it, below a granted folder.
import type { FileHandle } from "node:fs/promises";
import { CellError } from "../../../../errors/cell-error.ts";
import { encodeContent } from "../contents.ts";
import type { FileContent, ReadRequest } from "../contract.ts";
import type { Deed } from "../tool-call.ts";
import { descend, openFile, openRoot } from "./open-below.ts";
import type { Place } from "./path-policy.ts";

export async function performRead(
  { grant, tokens }: Place,
  { offset, length, as }: Pick<ReadRequest, "offset" | "length" | "as">,
): Promise<Deed<FileContent>> {
  const token = tokens.at(-1);
  if (token === undefined) throw new CellError("TOOL_PATH_REFUSED", "it is no plain file");
  await using folder = await descend(await openRoot(grant.path), tokens.slice(0, -1));
  await using file = await openFile(folder, token);
  const { size } = await file.stat();
  const wanted = Math.min(length ?? Number.POSITIVE_INFINITY, Math.max(0, size - offset));
  if (wanted > grant.maxBytes) {
    throw new CellError(
      "TOOL_TOO_LARGE",
      `it has ${wanted} bytes, the grant allows ${grant.maxBytes} at once`,
    );
  }
  const bytes = await readExactly(file, offset, wanted);
  const reply = { ...encodeContent(bytes, as), size };
  return { reply, outcome: `${bytes.length} bytes`, bytesIn: bytes.length, bytesOut: 0 };
}

/** Fewer bytes when the file shrinks meanwhile; never more, when it grows. */
export async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
