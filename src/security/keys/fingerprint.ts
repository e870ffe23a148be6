import { sha256, toHex } from "../bytes.ts";

/** First 16 hex digits of a public key's SHA-256: what people compare. */
export const fingerprintOf = (key: Uint8Array): string => toHex(sha256(key)).slice(0, 16);
