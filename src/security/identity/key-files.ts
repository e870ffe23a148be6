// Reads the files that hold keys and tokens. key-files.browser.ts takes its place in a browser.
import { readFile } from "node:fs/promises";
import { CellError } from "../../errors/cell-error.ts";

/** Throws AUTHORITY_IDENTITY_INVALID. */
export async function readIdentityFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const what = "the identity file cannot be read";
    throw new CellError("AUTHORITY_IDENTITY_INVALID", what, { where: path, cause });
  }
}

/** Throws what the file system throws. */
export const readTokenFile = (path: string): Promise<string> => readFile(path, "utf8");
