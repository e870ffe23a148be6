// A verifier of signatures that remembers: they are the same each time, and cost more than all that
// is tried with them.
import { concat, mapKey } from "../../src/security/bytes.ts";
import type { Verify } from "../../src/security/capability/chain.ts";
import { verifyEd25519 } from "../../src/security/keys/verify.ts";

export function verifyOnce(): Verify {
  const known = new Map<string, boolean>();
  return (key, message, signature) => {
    const name = mapKey(concat(key, signature, message));
    const isValid = known.get(name) ?? verifyEd25519(key, message, signature);
    known.set(name, isValid);
    return isValid;
  };
}
