// Bytes as the security code handles them: hashing, joining, comparing, text forms.
import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

/** For what is read again before anything else is written to it. Larger than a capsule. */
const scratch = Buffer.allocUnsafeSlow(96 * 1024);
const SHA256_BYTES = 32;

/** By way of a text of one character a byte: Node makes that several times faster than a buffer. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = hash("sha256", joined(parts), "latin1");
  const bytes = new Uint8Array(SHA256_BYTES);
  for (let at = 0; at < SHA256_BYTES; at += 1) bytes[at] = digest.charCodeAt(at);
  return bytes;
}

/** Valid until the next call. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  let end = 0;
  for (const part of parts) {
    if (end + part.length > scratch.length) return Buffer.concat(parts);
    scratch.set(part, end);
    end += part.length;
  }
  return scratch.subarray(0, end);
}

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** For public values only: time depends on the content. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length > LOOPED_BYTES) return Buffer.compare(a, b) === 0;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Up to here a loop is faster than a call out of the engine. */
const LOOPED_BYTES = 64;

/** One character a byte: a key for maps, shorter and faster to make than hex. */
export const mapKey = (bytes: Uint8Array): string => textOf(bytes, "latin1");

export const toHex = (bytes: Uint8Array): string => textOf(bytes, "hex");
export const toBase64Url = (bytes: Uint8Array): string => view(bytes).toString("base64url");

/** A copy that does not keep the message alive which the bytes came in. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

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

/** Short ones are copied: that is faster than a view of them. */
function textOf(bytes: Uint8Array, encoding: "latin1" | "hex"): string {
  if (bytes.length === 0) return "";
  if (bytes.length > 64) return view(bytes).toString(encoding);
  scratch.set(bytes);
  return scratch.toString(encoding, 0, bytes.length);
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
