// An accepted intent on its way into the journal of its actor's shard, and to the actor: as
// soon as it has a place there when the actor is awake, otherwise once its record is kept.
import type { Delivery } from "../../actors/intent.ts";
import type { CellError } from "../../errors/cell-error.ts";
import { ok, type Result } from "../../errors/result.ts";
import type { Json } from "../../manifest/graph.ts";
import type { DurableActor } from "./durable-actor.ts";
import type { JournalEntry } from "./records.ts";
import type { ShardJournal } from "./shard-journal.ts";
import type { Unapplied } from "./unapplied.ts";

export type Acceptance = Omit<JournalEntry, "returnAddress"> & {
  readonly intent: Delivery["intent"];
  readonly returnAddress: Json;
  /** The capsule itself names its inbox, so that the journal need not. */
  readonly isAddressedByCapsule?: boolean;
  /** Place in the outbox of the durable actor that sent it. */
  readonly sourceSequence?: number;
  readonly respond: Delivery["respond"];
  readonly prepare?: Delivery["prepare"];
  /** Hears once whether it is in the journal; an error: it is not. */
  readonly taken: (outcome: Result<{ readonly mailboxDepth: number }, CellError>) => void;
};

/** @param onKept once its record is kept, before anybody hears so; what it returns is called after the actor has it */
export function journalIntent(
  acceptance: Acceptance,
  actor: DurableActor,
  journal: ShardJournal,
  onKept: (position: number, sequence: number) => () => void,
): void {
  const { intent, returnAddress, sourceSequence, respond, prepare, taken } = acceptance;
  const { capsule, issuer, principal, authority, isAddressedByCapsule = false } = acceptance;
  const answer = prepare === undefined ? { respond } : { respond, prepare };
  let placed: Unapplied | undefined;
  const place = (position: number, isKept: boolean): Unapplied => {
    const source = sourceSequence === undefined ? {} : { sourceSequence };
    const journaled = { position, returnAddress, ...source };
    const entry = { position, isKept, delivery: { intent, capsule, journaled, ...answer } };
    actor.place(entry);
    return entry;
  };
  actor.beginJournaling();
  journal.append(
    { capsule, issuer, principal, authority, ...(isAddressedByCapsule ? {} : { returnAddress }) },
    {
      placed: (position) => {
        placed = place(position, false);
      },
      accepted: (appended) => {
        if (!appended.ok) {
          actor.endJournaling();
          taken(appended);
          return;
        }
        const { position, sequence } = appended.value;
        const after = onKept(position, sequence);
        taken(ok({ mailboxDepth: actor.backlog }));
        if (placed === undefined) place(position, true);
        else actor.kept(placed);
        after();
      },
    },
  );
}
