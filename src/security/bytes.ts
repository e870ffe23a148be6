// Bytes as the security code handles them: hashing, joining, comparing, text forms.
import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  const data = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  const digest = hash("sha256", data, "buffer");
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength);
}

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** For public values only: time depends on the content. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && Buffer.compare(a, b) === 0;

/** One character a byte: a key for maps, shorter and faster to make than hex. */
export const mapKey = (bytes: Uint8Array): string => view(bytes).toString("latin1");

export const toHex = (bytes: Uint8Array): string => view(bytes).toString("hex");
export const toBase64Url = (bytes: Uint8Array): string => view(bytes).toString("base64url");

/** A copy that does not keep the message alive which the bytes came in. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** Refuses what Node would skip in silence: padding, spaces, foreign characters, spare bits. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? new Uint8Array(bytes) : undefined;
}

export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, "hex"));
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
