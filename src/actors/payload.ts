// Reads an intent's payload by its content type. Bytes come from outside:
// bounded in size and depth before any schema sees them.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";

export const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_JSON_DEPTH = 64;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `application/json` (an empty body reads as `{}`), `text/plain` or `application/octet-stream`. */
export function readPayload(contentType: string, bytes: Uint8Array): Result<unknown, CellError> {
  if (bytes.byteLength > MAX_PAYLOAD_BYTES)
    return invalid(`the payload has more than ${MAX_PAYLOAD_BYTES} bytes`);
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase();
  switch (mediaType) {
    case "":
    case "application/json":
      return bytes.byteLength === 0 ? ok({}) : readJson(bytes);
    case "text/plain":
      return readText(bytes);
    case "application/octet-stream":
      return ok(bytes);
    default:
      return err(
        new CellError(
          "ACTOR_CONTENT_TYPE",
          `payloads of type ${JSON.stringify(contentType.slice(0, 100))} are not accepted`,
        ),
      );
  }
}

function readJson(bytes: Uint8Array): Result<unknown, CellError> {
  const text = readText(bytes);
  if (!text.ok) return text;
  if (isDeeperThan(text.value, MAX_JSON_DEPTH)) {
    return invalid(`the payload is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
  try {
    return ok(mayHoldProto(text.value) ? JSON.parse(text.value, dropProto) : JSON.parse(text.value));
  } catch {
    return invalid("the payload is not JSON");
  }
}

/** Spelt out, or with its underscores escaped. A reviver makes parsing several times slower. */
const mayHoldProto = (text: string): boolean => text.includes("__proto__") || text.includes("\\u005");

/** An own `__proto__` key becomes a prototype in careless copies later on. */
function dropProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

function readText(bytes: Uint8Array): Result<string, CellError> {
  try {
    return ok(strictUtf8.decode(bytes));
  } catch {
    return invalid("the payload is not UTF-8");
  }
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

function invalid(what: string): Result<never, CellError> {
  return err(new CellError("ACTOR_PAYLOAD_INVALID", what));
}
