// Memory and text in a browser, which has neither Node's pool nor its encodings.
const encoder = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
/** Arguments that a call takes. */
const PIECE = 4096;

export const allocate = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
/** Nobody shares any. */
export const allocateShared = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** A decoder by that name would read windows-1252. */
export function latin1Of(bytes: Uint8Array): string {
  let text = "";
  for (let from = 0; from < bytes.length; from += PIECE)
    text += String.fromCharCode(...bytes.subarray(from, from + PIECE));
  return text;
}

export const utf8Of = (text: string): Uint8Array => encoder.encode(text);

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
