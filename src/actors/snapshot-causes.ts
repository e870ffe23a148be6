// Which intents led to a volatile machine's timers and children, as part of its snapshot: a
// promise that runs again after a restart, and fails again, does so in the same name.
import { z } from "zod";
import { IntentTable, intentMetaSchema, intentsOf } from "./durable/host-state.ts";
import type { Resumption } from "./machine-children.ts";
import type { Causes, Ties } from "./machine-driver.ts";

const id = z.string().max(128);

export const causesSchema = z.object({
  intents: z.record(id, intentMetaSchema),
  /** In the order of the timers. */
  timers: z.array(id.nullable()).max(10_000),
  /** By the child's id. */
  children: z.record(z.string(), id),
});
export type SnapshotCauses = z.infer<typeof causesSchema>;

/** Undefined: nothing has a cause. */
export function causesOf({ timers, children }: Causes): SnapshotCauses | undefined {
  const table = new IntentTable();
  const causes = {
    intents: table.all,
    timers: timers.map((intent) => (intent === undefined ? null : table.ref(intent))),
    children: Object.fromEntries(children.map(([child, intent]) => [child, table.ref(intent)])),
  };
  return Object.keys(table.all).length === 0 ? undefined : causes;
}

/** The intents come without their payloads. */
export function resumptionOf(
  causes: SnapshotCauses | undefined,
): Pick<Resumption, "causeOf"> & { timerCauses?: Ties["timers"] } {
  if (causes === undefined) return {};
  const intent = intentsOf(causes);
  return {
    timerCauses: causes.timers.map(intent),
    causeOf: (child) => intent(causes.children[child]),
  };
}
