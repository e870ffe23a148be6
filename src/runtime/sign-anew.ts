// The newest revision, signed anew once the node that signed it has taken another key: who reads the
// broker's stream for the first time believes only keys that count now.
import { equalBytes } from "../security/bytes.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { Revisions } from "./revisions.ts";

export type SignAnewPorts = {
  readonly node: string;
  readonly key: Signer;
  readonly trust: Pick<TrustStore, "formerKeys">;
  readonly revisions: Pick<Revisions, "current" | "append">;
};

/** Does nothing unless it was signed by a key that this node's follows. Throws as `Revisions.append`. */
export async function signNewestAnew({ node, key, trust, revisions }: SignAnewPorts): Promise<void> {
  const current = revisions.current();
  if (current === undefined || equalBytes(current.signer, key.publicKey)) return;
  const isFormer = trust.formerKeys(node).some((former) => equalBytes(former.key, current.signer));
  if (!isFormer) return;
  await revisions.append({ graph: current.placed, author: node, rollbackOf: 0, causeId: new Uint8Array() });
}
