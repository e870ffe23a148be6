// Who holds a token. A client holds it by its key. An actor has no key, its node signs for it: it is named
// by a hash, which nobody can sign with, so that it hands nothing on.
import { equalBytes, sha256 } from "../bytes.ts";
import { actorHolderInput } from "../wire/signing-input.ts";
import type { TokenKindName } from "./token.ts";

/** Who uses a chain: whoever signed with this key, or an actor by its path, or by its name where that is all one knows. */
export type Holder = Uint8Array | { readonly actor: string | Uint8Array };

/**
 * The `holder` of a token of kind `agent`, 32 bytes: SHA-256("cell0/v1/actor-holder\0" || genesis hash || path).
 * @param path UTF-8, e.g. "support/triage"; not looked at
 */
export const actorHolder = (genesisHash: Uint8Array, path: string): Uint8Array =>
  sha256(actorHolderInput(genesisHash, path));

/** By what a token names its holder. */
export function nameOfHolder(holder: Holder, genesisHash: Uint8Array): Uint8Array {
  if (holder instanceof Uint8Array) return holder;
  return typeof holder.actor === "string" ? actorHolder(genesisHash, holder.actor) : holder.actor;
}

/** Whether a token names this holder. A key that equals an actor's name is a key all the same. */
export function isHeldBy(
  token: { readonly kind: TokenKindName; readonly holder: Uint8Array },
  holder: Holder,
  genesisHash: Uint8Array,
): boolean {
  const isActor = !(holder instanceof Uint8Array);
  if (isActor !== (token.kind === "agent")) return false;
  return equalBytes(token.holder, nameOfHolder(holder, genesisHash));
}
