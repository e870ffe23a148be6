// Who may be given a token: a client that counts, or a key that nobody here knows, since whoever
// has it may become one.
import { hasKeyForm } from "../keys/admit-key.ts";
import { isStranger, type TrustStore } from "../trust/trust-store.ts";

export function mayHold(key: Uint8Array, trust: TrustStore, nowUnixMs: number): boolean {
  const owner = trust.byKey(key, nowUnixMs);
  return hasKeyForm(key) && (isStranger(owner) || (owner.ok && owner.value.kind === "client"));
}
