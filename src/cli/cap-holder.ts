// Who is named on the command line of `cell0 cap`: holders, by name, key or path, and approvers.
import { CellError } from "../errors/cell-error.ts";
import { equalBytes, fromHex } from "../security/bytes.ts";
import { type ApprovalDemand, byBytes } from "../security/capability/approval.ts";
import { actorHolder } from "../security/capability/holder.ts";
import { mayHold } from "../security/capability/may-hold.ts";
import type { TokenClaims, TokenKindName } from "../security/capability/token.ts";
import { hasKeyForm } from "../security/keys/admit-key.ts";
import { isActorPath, isToken } from "../security/names.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { CapOptions } from "./cap.ts";

type Held = Pick<TokenClaims, "kind" | "holder"> & { readonly actor?: string };

/**
 * Throws CLI_TARGET_UNKNOWN, CLI_USAGE.
 * @param kindOf of a client's token that does not serve once
 */
export function heldBy(
  { holder, once, depth = 0 }: Pick<CapOptions, "holder" | "once" | "depth">,
  trust: TrustStore,
  kindOf: () => TokenKindName,
): Held {
  if (!holder.includes("/")) return { kind: once ? "ephemeral" : kindOf(), holder: keyOf(holder, trust) };
  const where = holder.slice(0, 80);
  if (!isActorPath(holder)) throw new CellError("CLI_USAGE", "no actor has such a path", { where });
  if (depth > 0) throw new CellError("CLI_USAGE", "an actor hands nothing on: leave out --depth", { where });
  if (once) {
    const remedy = "Say --calls 1: it then serves one intent, for as long as it counts.";
    throw new CellError("CLI_USAGE", "--once is for who has a key", { where, remedy });
  }
  return { kind: "agent", holder: actorHolder(trust.genesis.hash, holder), actor: holder };
}

/** Throws CLI_TARGET_UNKNOWN, CLI_USAGE. */
function keyOf(text: string, trust: TrustStore): Uint8Array {
  const key = text.length === 64 ? fromHex(text) : undefined;
  if (key !== undefined && hasKeyForm(key)) {
    if (mayHold(key, trust, Date.now())) return key;
    throw new CellError("CLI_USAGE", "this key is no client's that counts", { where: text });
  }
  const known = isToken(text) ? trust.newest(text) : undefined;
  if (known?.kind === "client" && trust.byPrincipal(text, Date.now()).ok) return known.key;
  if (known !== undefined) throw new CellError("CLI_USAGE", `"${text}" is no client that counts`);
  throw new CellError("CLI_TARGET_UNKNOWN", `no client "${text.slice(0, 80)}" is known here`, {
    remedy: "Give its public key: its owner prints that with `cell0 --creds FILE cap key`.",
  });
}

/** Throws CLI_USAGE, CLI_TARGET_UNKNOWN. */
export function demandOf(
  { approver = [], approvals = approver.length }: CapOptions,
  trust: TrustStore,
): ApprovalDemand | undefined {
  if (approver.length === 0 && approvals === 0) return undefined;
  if (approvals > approver.length)
    throw new CellError("CLI_USAGE", `it demands ${approvals} approvals of ${approver.length} approvers`);
  const keys = approver.map((each) => keyOf(each, trust)).sort(byBytes);
  const twice = keys.some((key, at) => at > 0 && equalBytes(key, keys[at - 1] ?? key));
  if (twice) throw new CellError("CLI_USAGE", "an approver is named twice");
  return { needed: approvals, approvers: keys };
}
