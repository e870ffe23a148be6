// The state of a commit, as the host hands it out: read back with suspicion, since
// another version of this program may have written it.
import { z } from "zod";
import type { DurableState, OutboxEntry, StoredReply } from "../../actors/durable/ports.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { Json } from "../../manifest/graph.ts";

/** It comes from JSON.parse. */
const json = z.custom<Json>((value) => value !== undefined);
const position = z.number().int().nonnegative();
const sequenced = z.looseObject({ sequence: position });
const answering = z.looseObject({ intentId: z.string(), sender: z.string() });
/** The host's own; it reads them itself. */
const outboxEntry = z.custom<OutboxEntry>((value) => sequenced.safeParse(value).success);
const storedReply = z.custom<StoredReply>((value) => answering.safeParse(value).success);
const schema = z.looseObject({
  format: z.literal(1),
  codeHash: z.string(),
  host: json,
  applied: z.object({ critical: position, high: position, normal: position, low: position }),
  sources: z.record(z.string(), position),
  outboxSequence: position,
  outbox: z.array(outboxEntry),
  replies: z.array(storedReply),
});

/** STATE_CORRUPT. */
export function readState(value: unknown): Result<DurableState, CellError> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return err(new CellError("STATE_CORRUPT", z.prettifyError(parsed.error).slice(0, 300)));
}
