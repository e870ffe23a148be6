// Which granted folder a path lies in, and the tokens that lead there. Paths are the
// actor's own: `workspace/notes/today.md`, the granted folder's name first. Where
// the folder stands on the node's disk, an actor neither says nor learns.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import type { FileAccess, FsGrant } from "../../../../manifest/tools.ts";
import { notGranted } from "../tool-call.ts";

export type Place = {
  readonly grant: FsGrant;
  /** Below the folder; empty: the folder itself. */
  readonly tokens: readonly string[];
};

const MAX_TOKENS = 32;
const MAX_TOKEN_BYTES = 255;
/** Beginning of the files that a write makes before it is whole; hidden from actors. */
export const DRAFT_PREFIX = ".cell0-draft-";

/** TOOL_REQUEST_INVALID, TOOL_NOT_GRANTED. */
export function placeOf(
  actor: string,
  grants: readonly FsGrant[],
  path: string,
  access: FileAccess,
): Result<Place, CellError> {
  const tokens = tokensOf(path);
  if (!tokens.ok) return tokens;
  const [name = "", ...below] = tokens.value;
  const how = `fs: [{ path: ./${name}, access: [${access}] }]`;
  const grant = grants.find((each) => each.name === name);
  if (grant === undefined) return err(notGranted(actor, `no folder \`${name}\` is granted`, how));
  if (!grant.access.includes(access)) {
    return err(notGranted(actor, `${access} is not granted in the folder \`${name}\``, how));
  }
  return ok({ grant, tokens: below });
}

function tokensOf(path: string): Result<readonly string[], CellError> {
  if (path.startsWith("/"))
    return invalid("a path begins with the name of a granted folder, not with a slash");
  if (/[\p{Cc}\\]/u.test(path) || !path.isWellFormed()) {
    return invalid("the path holds a control character, a backslash or half a character");
  }
  const tokens = path.replace(/\/$/, "").split("/");
  if (tokens.length > MAX_TOKENS) return invalid(`the path has more than ${MAX_TOKENS} tokens`);
  for (const token of tokens) {
    if (token === "" || token === "." || token === "..") {
      return invalid("a token of the path is empty, `.` or `..`");
    }
    if (Buffer.byteLength(token) > MAX_TOKEN_BYTES)
      return invalid(`a token has more than ${MAX_TOKEN_BYTES} bytes`);
    if (token.startsWith(DRAFT_PREFIX))
      return invalid(`names that begin with ${DRAFT_PREFIX} are the kernel's`);
  }
  return ok(tokens);
}

const invalid = (what: string) => err(new CellError("TOOL_REQUEST_INVALID", what));
