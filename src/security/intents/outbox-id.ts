// The id of an intent that a durable actor sends follows from who sends it and its place
// in the outbox: sent again, by whichever incarnation, it is the same intent.
import { equalBytes, sha256 } from "../../security/bytes.ts";
import type { Capsule } from "../../security/wire/capsule.ts";
import { uuidV7 } from "../../security/wire/capsule-id.ts";

const encoder = new TextEncoder();

/** In the form of a UUIDv7 whose time is the intent's deadline, which does not change either. */
export function outboxId(actor: string, sequence: number, deadlineUnixMs: number): Uint8Array {
  const digest = sha256(encoder.encode(`cell0/v1/outbox\0${actor}\0${sequence}`));
  return uuidV7(Math.trunc(deadlineUnixMs), digest.subarray(0, 10));
}

/** Undefined: no durable actor sent it. */
export function outboxSequenceOf(
  capsule: Pick<Capsule, "id" | "source" | "deadlineUnixMs">,
): number | undefined {
  const { id, source, deadlineUnixMs } = capsule;
  if (source === undefined || source.sequence < 1) return undefined;
  const expected = outboxId(source.actor, source.sequence, deadlineUnixMs);
  return equalBytes(id, expected) ? source.sequence : undefined;
}
