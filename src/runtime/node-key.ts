// The key that this node signs with. It can be another one from one turn to the next, without a stop:
// whoever signs reads key and signature in one turn, and nobody keeps the key itself.
import { type ParsedIdentity, signingKeyOf } from "../security/identity/creds-file.ts";
import type { Signer, SigningKey } from "../security/keys/signing-key.ts";

export class NodeKey implements Signer {
  #key: SigningKey;

  constructor(identity: ParsedIdentity) {
    this.#key = signingKeyOf(identity);
  }

  get publicKey(): Uint8Array {
    return this.#key.publicKey;
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#key.sign(message);
  }

  /** From now on. */
  use(key: SigningKey): void {
    this.#key = key;
  }
}
