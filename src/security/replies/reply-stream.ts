// The replies to one request, in order: binds each to the request, drops repeats,
// names gaps, and ends at the final one. A pure step function.
import { CellError } from "../../errors/cell-error.ts";
import { equalBytes } from "../bytes.ts";
import type { OpenedReply } from "./open-replies.ts";

export type SentRequest = {
  readonly id: Uint8Array;
  /** SHA-256 of its capsule bytes. */
  readonly hash: Uint8Array;
  /** SHA-256 of the whole message that carried it: what a node names that could not read it. */
  readonly messageHash: Uint8Array;
};

export type ReplyStream = {
  readonly request: SentRequest;
  readonly nextIndex: number;
  readonly ended: boolean;
};

export type ReplyStep =
  /** The next one; hand it on. */
  | { readonly kind: "next"; readonly stream: ReplyStream }
  /** Came before, or after the end; ignore it. */
  | { readonly kind: "repeat"; readonly stream: ReplyStream }
  /** CAPSULE_REPLY_UNBOUND: somebody else's, ignore it. CAPSULE_REPLY_GAP: one was lost; the stream stands where it stood. */
  | { readonly kind: "fault"; readonly stream: ReplyStream; readonly error: CellError };

export const openStream = (request: SentRequest): ReplyStream => ({ request, nextIndex: 0, ended: false });

export function acceptReply(stream: ReplyStream, reply: OpenedReply): ReplyStep {
  if (!isBound(stream.request, reply)) {
    return { kind: "fault", stream, error: new CellError("CAPSULE_REPLY_UNBOUND") };
  }
  if (stream.ended || (reply.index < stream.nextIndex && reply.error === undefined))
    return { kind: "repeat", stream };
  // An error ends the stream wherever it stands: a node that restarted may not know how far it had come.
  if (reply.index > stream.nextIndex && reply.error === undefined) {
    const what = `reply ${stream.nextIndex} is missing, ${reply.index} came`;
    return { kind: "fault", stream, error: new CellError("CAPSULE_REPLY_GAP", what) };
  }
  return { kind: "next", stream: { ...stream, nextIndex: stream.nextIndex + 1, ended: reply.final } };
}

function isBound(request: SentRequest, { requestId, requestHash, error }: OpenedReply): boolean {
  const sameHash = equalBytes(requestHash, request.hash);
  if (requestId.length > 0) return sameHash && equalBytes(requestId, request.id);
  return error !== undefined && (sameHash || equalBytes(requestHash, request.messageHash));
}
