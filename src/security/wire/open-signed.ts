// The frame of the cell's own records: body, key that signed, signature.
import type { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verifyByRule, type verifyEd25519 } from "../keys/verify.ts";

export type SignedFrame = {
  readonly body: Uint8Array;
  readonly signer: Uint8Array;
  readonly signature: Uint8Array;
};

/**
 * Whether the signature is its key's; whose key that is, is not judged. A text: what is wrong.
 * @param verify default: the rule in full, which takes longer of what is not valid
 */
export function openSigned(
  decoded: Result<SignedFrame, CellError>,
  inputOf: (body: Uint8Array) => Uint8Array,
  verify: typeof verifyEd25519 = verifyByRule,
): Result<Pick<SignedFrame, "body" | "signer">, string> {
  if (!decoded.ok) return err(decoded.error.message);
  const { body, signer, signature } = decoded.value;
  if (signer.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
    return err("its signer or signature has the wrong length");
  }
  if (!verify(signer, inputOf(body), signature)) return err("its signature is not valid");
  return ok({ body, signer });
}
