// Entries of a journal, read at the start, as the intents that they were accepted as.
import { markProgress } from "../../actors/in-hand.ts";
import type { Delivery } from "../../actors/intent.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { sha256 } from "../../security/bytes.ts";
import { acceptedIntent } from "../../security/intake/describe.ts";
import { outboxSequenceOf } from "../../security/intents/outbox-id.ts";
import { decodeCapsule } from "../../security/wire/decode-capsule.ts";
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
  const { returnAddress, principal } = entry;
  const sourceSequence = outboxSequenceOf(capsule.value);
  return {
    position,
    isKept: true,
    delivery: {
      intent: acceptedIntent(capsule.value, sha256(entry.capsule), principal),
      capsule: entry.capsule,
      journaled: { position, returnAddress, ...(sourceSequence === undefined ? {} : { sourceSequence }) },
      respond: responder(returnAddress, 0),
    },
  };
}
