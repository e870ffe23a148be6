// Payloads as the client's user sees them: JSON values, or bytes as they are.
import { CellError } from "../../errors/cell-error.ts";
import type { OpenedReply } from "../../security/replies/open-replies.ts";
import { parseJson } from "../../wire/json-keys.ts";
import { utf8Of } from "../../wire/memory.ts";

export const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** One reply, verified. */
export type Reply<Value = unknown> = {
  /** Decoded when it is JSON, undefined when it is empty, else the bytes. */
  readonly value: Value;
  readonly payload: Uint8Array;
  readonly contentType: string;
  /** Position among the replies to this request, from 0. */
  readonly index: number;
  /** Whether nothing follows. */
  readonly final: boolean;
  /** Node that signed it, and actor that answered; empty when the node itself did. */
  readonly node: string;
  readonly actor: string;
};

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes stay as they are; everything else becomes JSON. Throws TypeError for what JSON cannot say. */
export function encodePayload(payload: unknown): {
  readonly payload: Uint8Array;
  readonly contentType: string;
} {
  if (payload instanceof Uint8Array) return { payload, contentType: BYTES_TYPE };
  const json = JSON.stringify(payload ?? {});
  if (json === undefined) throw new TypeError("the payload has no form in JSON");
  return { payload: utf8Of(json), contentType: JSON_TYPE };
}

/** Throws CAPSULE_MALFORMED for JSON that is none. */
export function toReply({ payload, contentType, index, final, node, actor }: OpenedReply): Reply {
  return { value: decode(payload, contentType, actor), payload, contentType, index, final, node, actor };
}

function decode(payload: Uint8Array, contentType: string, where: string): unknown {
  if (payload.length === 0) return undefined;
  if (contentType !== JSON_TYPE) return payload;
  try {
    return parseJson(strictUtf8.decode(payload));
  } catch (cause) {
    throw new CellError("CAPSULE_MALFORMED", "the reply is not the JSON that it says it is", {
      where,
      cause,
    });
  }
}
