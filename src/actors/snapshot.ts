// Reads the snapshot of an earlier incarnation, with suspicion: it may come from
// a file, or from another version of the behaviour.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import type { RequestRecord } from "./outgoing-requests.ts";
import { causesSchema, type SnapshotCauses } from "./snapshot-causes.ts";

const snapshotSchema = z.looseObject({
  format: z.literal(1),
  requests: z
    .array(
      z.object({
        target: z.string(),
        intent: z.string(),
        onError: z.string(),
        ref: z.string().exactOptional(),
      }),
    )
    .max(2048),
  causes: causesSchema.exactOptional(),
});

/** The machine's own part is read by its driver. @throws CellError ACTOR_SNAPSHOT_INVALID */
export function readSnapshot(snapshot: unknown): {
  readonly requests: readonly RequestRecord[];
  readonly causes?: SnapshotCauses;
} {
  const parsed = snapshotSchema.safeParse(snapshot);
  if (parsed.success) return parsed.data;
  throw new CellError("ACTOR_SNAPSHOT_INVALID", z.prettifyError(parsed.error).slice(0, 500), {
    cause: parsed.error,
  });
}

/** Says why a restart will be from the beginning. */
export function unsupportedSnapshot(error: unknown): string {
  const { code } = new CellError("ACTOR_SNAPSHOT_UNSUPPORTED");
  const why = error instanceof Error ? error.message : String(error);
  return `${code}: a restart will be from the beginning: ${why}`;
}
