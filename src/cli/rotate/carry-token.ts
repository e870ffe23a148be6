// The token in a client's file is held by its key: with another key it is minted anew, for what is left of
// its time.
import { appendFile } from "node:fs/promises";
import { toHex } from "../../security/bytes.ts";
import { permissionsAsText } from "../../security/capability/constraint-text.ts";
import { formatTokenFile } from "../../security/capability/token-file.ts";
import type { ParsedIdentity } from "../../security/identity/creds-file.ts";
import { askAuthority } from "../cap-make.ts";
import type { Context } from "../context.ts";

/**
 * Puts it into the next file, unless it is there already. One that was handed on, or has ended, is left
 * out, and said so. Throws what the authority refuses.
 */
export async function carryToken(
  context: Context,
  before: ParsedIdentity,
  next: ParsedIdentity,
  nextFile: string,
): Promise<void> {
  const { capability } = before;
  if (capability === undefined || next.capability !== undefined) return;
  const { permissions, limits, notAfterUnixMs, maxDepth, scope, approval } = capability.last;
  const ttlMs = notAfterUnixMs - Date.now();
  const isPlain = capability.links.length === 1 && approval === undefined && Object.keys(limits).length === 0;
  if (!isPlain || ttlMs <= 0) {
    context.note(
      "The token in the file is its key's, and ends with it: have another one made for the next key.",
    );
    return;
  }
  const chain = await askAuthority(context, {
    holder: toHex(next.certificate.key),
    permissions: permissionsAsText(permissions),
    ...{ ttlMs, depth: maxDepth, scope, once: false },
  });
  await appendFile(nextFile, `\n${formatTokenFile(chain)}`);
}
