// A JSON payload, read in one way wherever it is judged: bounded in depth before anything looks
// at it, strict about UTF-8, and without `__proto__`.
import { parseJson } from "./json-keys.ts";

const MAX_JSON_DEPTH = 64;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a content type says JSON, as an absent one does. */
export function isJsonType(contentType: string): boolean {
  const mediaType = mediaTypeOf(contentType);
  return mediaType === "" || mediaType === "application/json";
}

/** Without parameters, in lower case. */
export const mediaTypeOf = (contentType: string): string =>
  contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";

export type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  /** What is wrong, to follow "the payload". */
  | { readonly ok: false; readonly why: string };

/** An empty payload reads as `{}`. Never throws. */
export function readJsonPayload(bytes: Uint8Array): ReadJson {
  if (bytes.byteLength === 0) return { ok: true, value: {} };
  const text = readUtf8(bytes);
  if (text === undefined) return { ok: false, why: "is not UTF-8" };
  if (isDeeperThan(text, MAX_JSON_DEPTH)) {
    return { ok: false, why: `is nested more than ${MAX_JSON_DEPTH} levels deep` };
  }
  try {
    return { ok: true, value: mayHoldProto(text) ? parseJson(text, dropProto) : parseJson(text) };
  } catch {
    return { ok: false, why: "is not JSON" };
  }
}

/** Undefined: the bytes are not UTF-8. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Spelt out, or with letters of it escaped. A reviver makes parsing several times slower. */
const mayHoldProto = (text: string): boolean => text.includes("__proto__") || text.includes("\\u00");

/** An own `__proto__` key becomes a prototype in careless copies later on. */
function dropProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

/** Counts brackets outside strings; exact for well-formed JSON, which is all that is parsed. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > limit) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}
