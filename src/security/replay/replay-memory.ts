// What an earlier process of this node accepted, put together from its records:
// which ids must not be begun again, which may, and what they were answered.
import { mapKey } from "../bytes.ts";
import type { AcceptedRecord, ReplayRecord } from "./replay-record.ts";

/** Where the replay window writes what must outlive the process. Must not throw. */
export type ReplayJournal = {
  /** Written down before the turn ends in which it is called. */
  record(record: ReplayRecord): void;
  /** Returns when all of it is with the operating system. */
  flush(): void;
};

export type RememberedCapsule = AcceptedRecord & {
  /** `lost`: its process died before it was answered, so that it may be begun again. */
  readonly state: "lost" | "answered" | "dropped";
  /** Capsule bytes of all of them, in order; none unless `answered`. */
  readonly replies: readonly Uint8Array[];
};

/** In the order accepted, without those that freshness refuses by now. */
export function recall(records: Iterable<ReplayRecord>, nowUnixMs: number): readonly RememberedCapsule[] {
  const known = new Map<string, { accepted: AcceptedRecord; answered?: number; replies: Uint8Array[] }>();
  for (const record of records) {
    const name = mapKey(record.issuer) + mapKey(record.id);
    const entry = known.get(name);
    // Accepted a second time: what the first one was answered is no answer to it.
    if (record.kind === "accepted") known.set(name, { accepted: record, replies: [] });
    else if (entry === undefined) continue;
    else if (record.kind === "answered") entry.answered = record.replies;
    else entry.replies[record.index] = record.reply;
  }
  return [...known.values()].flatMap(({ accepted, answered, replies }): RememberedCapsule[] => {
    if (accepted.untilUnixMs <= nowUnixMs) return [];
    if (answered === undefined && !accepted.silent) return [{ ...accepted, state: "lost", replies: [] }];
    const kept = replies.filter(() => true);
    const whole = answered !== undefined && kept.length === answered && answered > 0;
    return [{ ...accepted, state: whole ? "answered" : "dropped", replies: whole ? kept : [] }];
  });
}
