// One intent as a signed envelope, made with the identity in force.
import { randomBytes } from "node:crypto";
import type { PriorityName } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { isInboxOf } from "../security/address.ts";
import { toHex } from "../security/bytes.ts";
import { HybridClock } from "../security/clock/hybrid-clock.ts";
import { signingKeyOf } from "../security/identity/creds-file.ts";
import { buildIntent } from "../security/intents/build-intent.ts";
import { createIds } from "../security/wire/capsule-id.ts";
import { sealOne } from "../security/wire/seal.ts";
import { inboxPrefix, intentSubject } from "../transport/subjects.ts";
import type { Context } from "./context.ts";
import { ownIdentity } from "./own-identity.ts";

export type EncodeRequest = {
  readonly target: string;
  readonly intent: string;
  readonly payload: unknown;
  readonly replyInbox?: string;
  readonly reply: boolean;
  readonly priority?: PriorityName;
  /** Chain of capability tokens that it rests on. */
  readonly capability?: Uint8Array;
};

export type EncodedIntent = {
  readonly id: string;
  readonly envelope: Uint8Array;
  readonly subject: string;
  /** Empty: no reply was asked for. */
  readonly replyInbox: string;
};

/** Throws what the codec refuses, AUTHORITY_IDENTITY_INVALID and CLI_USAGE. */
export async function encodeIntent(context: Context, request: EncodeRequest): Promise<EncodedIntent> {
  const identity = await ownIdentity(context);
  const { cell, principal, genesis } = identity;
  const own = `${inboxPrefix(cell, principal)}.${randomBytes(9).toString("base64url")}.0`;
  const replyInbox = request.reply ? (request.replyInbox ?? own) : "";
  if (replyInbox !== "" && !isInboxOf(cell, principal, replyInbox)) {
    throw new CellError("CLI_USAGE", "replies go only below the issuer's own inbox", {
      where: replyInbox,
      remedy: `Begin it with ${inboxPrefix(cell, principal)}.`,
    });
  }
  const clock = new HybridClock(Date.now);
  const built = buildIntent(
    {
      target: request.target,
      intent: request.intent,
      payload: new TextEncoder().encode(JSON.stringify(request.payload)),
      contentType: "application/json",
      deadlineUnixMs: Date.now() + context.timeoutMs,
      replyInbox,
      ...(request.priority === undefined ? {} : { priority: request.priority }),
      ...(request.capability === undefined ? {} : { capability: request.capability }),
    },
    { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() },
  );
  if (!built.ok) throw built.error;
  const envelope = sealOne(built.value.bytes, {
    key: signingKeyOf(identity),
    genesisHash: genesis.hash,
  });
  const subject = intentSubject(cell, principal, request.target);
  return { id: toHex(built.value.id), envelope, subject, replyInbox };
}
