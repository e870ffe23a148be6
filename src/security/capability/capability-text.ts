// A chain of capability tokens as a text, so that a payload of JSON can carry it to an actor.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { fromBase64Url, toBase64Url } from "../bytes.ts";
import { MAX_CAPABILITY_BYTES } from "../wire/capsule.ts";

/** Characters of the largest chain. */
export const MAX_CAPABILITY_CHARS = Math.ceil((MAX_CAPABILITY_BYTES * 4) / 3);

/** Unpadded base64url, as in a token's file. */
export const capabilityText = (chain: Uint8Array): string => toBase64Url(chain);

/** The bytes, whatever they are. CAPABILITY_MALFORMED when it is no such text, or too long; never throws. */
export function readCapabilityText(text: string): Result<Uint8Array, CellError> {
  const bytes = text.length > MAX_CAPABILITY_CHARS ? undefined : fromBase64Url(text);
  if (bytes !== undefined && bytes.length > 0) return ok(bytes);
  const remedy = "Give the text that `cell0 cap show FILE --text` prints.";
  return err(
    new CellError("CAPABILITY_MALFORMED", "the capability is no base64url, or too long", { remedy }),
  );
}

/** As a field of a capsule, which may have none. CAPABILITY_MALFORMED */
export function capabilityField(
  text: string | undefined,
): Result<{ readonly capability?: Uint8Array }, CellError> {
  if (text === undefined) return ok({});
  const read = readCapabilityText(text);
  return read.ok ? ok({ capability: read.value }) : read;
}
