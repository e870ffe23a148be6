// The bytes of bytes.ts in a browser, whose own hash answers only in a promise.
import { sha256 as digest } from "@noble/hashes/sha2.js";
import { latin1Of } from "../wire/memory.ts";

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = digest.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

export const mapKey = (bytes: Uint8Array): string => latin1Of(bytes);

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(latin1Of(bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

export function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : undefined;
}

export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) =>
    Number.parseInt(text.slice(2 * at, 2 * at + 2), 16),
  );
}
