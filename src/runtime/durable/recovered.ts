// Entries of a journal, read at the start, as the intents that they were accepted as.
import { markProgress } from "../../actors/in-hand.ts";
import type { Delivery } from "../../actors/intent.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { sha256 } from "../../security/bytes.ts";
import { acceptedIntent, requestOf } from "../../security/intake/describe.ts";
import { outboxSequenceOf } from "../../security/intents/outbox-id.ts";
import type { Capsule } from "../../security/wire/capsule.ts";
import { decodeCapsule } from "../../security/wire/decode-capsule.ts";
import type { JournalEntry } from "./records.ts";
import { inboxAddress } from "./return-address.ts";
import type { KeptEntry } from "./take-shard.ts";
import type { Unapplied } from "./unapplied.ts";

/** Throws STATE_JOURNAL_BROKEN: what was accepted can be read by whoever accepted it. */
export function recoveredIntent(
  { entry, position }: KeptEntry,
  responder: (address: Json, index: number) => Delivery["respond"],
): Unapplied {
  // After an outage there are thousands of them.
  markProgress();
  const capsule = decodeCapsule(entry.capsule);
  if (!capsule.ok) {
    throw new CellError("STATE_JOURNAL_BROKEN", `entry ${position} is no capsule`, { cause: capsule.error });
  }
  const { principal } = entry;
  const hash = sha256(entry.capsule);
  const returnAddress = entry.returnAddress ?? addressIn(entry, capsule.value, hash);
  const sourceSequence = outboxSequenceOf(capsule.value);
  return {
    position,
    isKept: true,
    delivery: {
      intent: acceptedIntent(capsule.value, hash, principal),
      capsule: entry.capsule,
      journaled: { position, returnAddress, ...(sourceSequence === undefined ? {} : { sourceSequence }) },
      respond: responder(returnAddress, 0),
    },
  };
}

function addressIn({ issuer, capsule: bytes }: JournalEntry, capsule: Capsule, hash: Uint8Array): Json {
  const { replyInbox } = capsule;
  return inboxAddress(requestOf(issuer, bytes, capsule, hash), replyInbox === "" ? undefined : replyInbox);
}
