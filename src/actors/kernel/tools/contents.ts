// Contents in payloads and replies: text of UTF-8, or base64; and how much of what was
// asked is kept in a record.
import { isUtf8 } from "node:buffer";
import { CellError } from "../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../errors/result.ts";

export type Encoding = "text" | "base64";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function decodeContent(content: string, encoding: Encoding): Result<Buffer, CellError> {
  if (encoding === "text") return ok(Buffer.from(content, "utf8"));
  return BASE64.test(content)
    ? ok(Buffer.from(content, "base64"))
    : err(new CellError("TOOL_REQUEST_INVALID", "the content is not base64"));
}

/** Text is given back as base64 when it is not UTF-8: nothing is changed on the way. */
export function encodeContent(
  bytes: Buffer,
  as: Encoding,
): { readonly content: string; readonly encoding: Encoding } {
  return as === "text" && isUtf8(bytes)
    ? { content: bytes.toString("utf8"), encoding: "text" }
    : { content: bytes.toString("base64"), encoding: "base64" };
}

const MAX_ASKED_CHARS = 300;

/** A longer one might not fit a record, and go unrecorded. */
export const shortened = (asked: string): string => asked.slice(0, MAX_ASKED_CHARS).toWellFormed();
