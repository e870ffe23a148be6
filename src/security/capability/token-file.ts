// A chain of capability tokens as a text file: a note for people, and a block of one line. It
// holds no secret: only the key that its last link names as holder can use it.
import { CellError } from "../../errors/cell-error.ts";
import { err, type Result } from "../../errors/result.ts";
import { fromBase64Url, toBase64Url } from "../bytes.ts";
import { unwrap, wrap } from "../identity/armour.ts";
import { type Chain, chainBytes, readChain } from "./chain.ts";

const TITLE = "CELL0 CAPABILITY";
/** A block of 12 KiB in base64, and what stands around it. */
export const MAX_TOKEN_FILE_BYTES = 32 * 1024;

export const formatTokenFile = (chain: Chain): string => wrap(TITLE, toBase64Url(chainBytes(chain)));

/** The text from such a block on, or from what looks like one; undefined: there is none. */
export function tokenPart(text: string): string | undefined {
  const at = text.indexOf(`-----BEGIN ${TITLE}`);
  return at < 0 ? undefined : text.slice(at);
}

/** The form only. CAPABILITY_MALFORMED; never throws. */
export function parseTokenFile(text: string): Result<Chain, CellError> {
  if (text.length > MAX_TOKEN_FILE_BYTES) return malformed(`it has more than ${MAX_TOKEN_FILE_BYTES} bytes`);
  const block = unwrap(TITLE, text);
  const bytes = block === undefined ? undefined : fromBase64Url(block);
  return bytes === undefined ? malformed(`it holds no block ${TITLE}, or a damaged one`) : readChain(bytes);
}

const malformed = (why: string) =>
  err(new CellError("CAPABILITY_MALFORMED", `the file is no capability: ${why}`));
