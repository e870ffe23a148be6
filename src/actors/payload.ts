// Reads an intent's payload by its content type. Bytes come from outside:
// bounded in size and depth before any schema sees them.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { isJsonType, mediaTypeOf, readJsonPayload, readUtf8 } from "../wire/json-payload.ts";

export const MAX_PAYLOAD_BYTES = 64 * 1024;

/** `application/json` (an empty body reads as `{}`), `text/plain` or `application/octet-stream`. */
export function readPayload(contentType: string, bytes: Uint8Array): Result<unknown, CellError> {
  if (bytes.byteLength > MAX_PAYLOAD_BYTES) return invalid(`has more than ${MAX_PAYLOAD_BYTES} bytes`);
  if (isJsonType(contentType)) {
    const read = readJsonPayload(bytes);
    return read.ok ? read : invalid(read.why);
  }
  switch (mediaTypeOf(contentType)) {
    case "text/plain": {
      const text = readUtf8(bytes);
      return text === undefined ? invalid("is not UTF-8") : ok(text);
    }
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

function invalid(why: string): Result<never, CellError> {
  return err(new CellError("ACTOR_PAYLOAD_INVALID", `the payload ${why}`));
}
