// The name of the token that a capsule came with, for the record of its refusal: read in passing,
// judged by nobody.
import { ProtoReader } from "../../wire/proto-reader.ts";
import { sha256 } from "../bytes.ts";

/** Of field 1, bytes: the links of a chain, the body of a token. */
const FIRST_FIELD = 0x0a;

/** SHA-256 of the body of a chain's last link; undefined: it is no chain in its usual form. */
export function nameOfToken(chain: Uint8Array): Uint8Array | undefined {
  const links = new ProtoReader(chain);
  let last: Uint8Array | undefined;
  for (let tag = links.tag(); tag !== 0; tag = links.tag()) {
    if (tag !== FIRST_FIELD) return undefined;
    last = links.bytes();
  }
  if (last === undefined || !links.sound) return undefined;
  const token = new ProtoReader(last);
  const body = token.tag() === FIRST_FIELD ? token.bytes() : undefined;
  return body !== undefined && token.sound ? sha256(body) : undefined;
}
