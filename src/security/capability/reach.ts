// Which actors a token reaches, by its kind: one of kind `system` the kernel's own and no other, one of
// kind `user` those of graphs alone. Ephemeral tokens and actors' have either, within their parent.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { isOfKernel } from "../grants/patterns.ts";
import type { Permission } from "./permission.ts";
import type { TokenKindName } from "./token.ts";

type Reach = readonly Pick<Permission, "targets">[];

/** What of its targets is not its kind's, in words; undefined: nothing is. */
export function beyondKind(kind: TokenKindName, permissions: Reach): string | undefined {
  if (kind !== "system" && kind !== "user") return undefined;
  const isSystem = kind === "system";
  const targets = permissions.flatMap((each) => each.targets);
  const beyond = targets.find((pattern) => isOfKernel(pattern) !== isSystem);
  if (beyond === undefined) return undefined;
  const rule = isSystem ? "reaches the kernel's own actors alone" : "does not reach the kernel's own actors";
  return `it is of kind ${kind}, which ${rule}, and names \`${beyond.slice(0, 128)}\``;
}

/** Of a token that a client has for more than one intent. CAPABILITY_KINDS_MIXED when no kind has all its targets. */
export function kindForClient(permissions: Reach): Result<"system" | "user", CellError> {
  if (beyondKind("user", permissions) === undefined) return ok("user");
  if (beyondKind("system", permissions) === undefined) return ok("system");
  return err(new CellError("CAPABILITY_KINDS_MIXED"));
}
