// Memory and text as Node makes them fastest. memory.browser.ts takes its place in a browser.
import { Buffer, isUtf8 as isValidUtf8 } from "node:buffer";

const scratch = Buffer.allocUnsafeSlow(4096);

/** Not zeroed. */
export const allocate = (bytes: number): Uint8Array<ArrayBuffer> => Buffer.allocUnsafeSlow(bytes);

/** The same out of memory that many share: for what is soon forgotten, since it keeps all of that alive. */
export function allocateShared(bytes: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = Buffer.allocUnsafe(bytes);
  return new Uint8Array(buffer, byteOffset, length);
}

/** One character a byte. */
export function latin1Of(bytes: Uint8Array): string {
  if (bytes.length > scratch.length) return Buffer.from(bytes).toString("latin1");
  scratch.set(bytes);
  return scratch.toString("latin1", 0, bytes.length);
}

/** Half a surrogate pair becomes U+FFFD. */
export const utf8Of = (text: string): Uint8Array => Buffer.from(text, "utf8");

export const isUtf8 = (bytes: Uint8Array): boolean => isValidUtf8(bytes);
