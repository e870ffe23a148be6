// Where the private copies of behaviours lie that run in processes of their own: not
// in the data directory, which no other user may enter.
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataDir } from "./data-dir.ts";

/** One place a data directory, so that a node that starts again finds what its predecessor left. */
export function codeRoot({ root }: DataDir): string {
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return join(tmpdir(), `cell0-code-${name}`);
}
