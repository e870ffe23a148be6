// JSON of an actor's side, and for it: bounded in size and depth before it is parsed.
import { CellError } from "../../errors/cell-error.ts";
import { parseJson } from "../../wire/json-keys.ts";
import { isDeeperThan } from "../../wire/json-payload.ts";

const MAX_DEPTH = 256;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export const NO_BYTES: Uint8Array = new Uint8Array();

/** @throws CellError ACTOR_CHANNEL_VIOLATED */
export function parseBounded(bytes: Uint8Array, what: string): unknown {
  try {
    const text = decoder.decode(bytes);
    if (!isDeeperThan(text, MAX_DEPTH)) return parseJson(text);
  } catch (cause) {
    throw new CellError("ACTOR_CHANNEL_VIOLATED", `${what} is not JSON`, { cause });
  }
  throw new CellError("ACTOR_CHANNEL_VIOLATED", `${what} is nested too deeply`);
}

/** Whether `parseBounded` would refuse it. @param bytes of JSON.stringify */
export const tooDeep = (bytes: Uint8Array): boolean => isDeeperThan(decoder.decode(bytes), MAX_DEPTH);

/** Undefined becomes no bytes. @throws TypeError when JSON does not hold it */
export function jsonBytes(value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? NO_BYTES : encoder.encode(text);
}
