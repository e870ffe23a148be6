// What is kept of a durable actor, for people to look at: from memory when it has been
// awake, otherwise read from its commits. Changes nothing.
import type { KeptReport } from "../../actors/kernel/reports.ts";
import type { DurableActor } from "./durable-actor.ts";
import { type LoadPorts, loadAnyway } from "./load-state.ts";

/** Throws what the broker refuses. */
export async function keptReport(ports: LoadPorts, actor: DurableActor): Promise<KeptReport> {
  const { wakeAtUnixMs, pending } = actor.meta;
  const common = {
    waiting: actor.backlog,
    pending,
    ...(wakeAtUnixMs === undefined ? {} : { wakeAtUnixMs }),
  };
  const { commits, applied, incarnation } = actor;
  if (commits !== undefined && applied !== undefined) {
    const { number, bytes } = commits.head;
    return {
      ...common,
      commit: number,
      stateBytes: bytes,
      applied,
      ...(incarnation === undefined ? {} : { incarnation }),
    };
  }
  const { head, record } = await loadAnyway({ ...ports, onDamaged: () => {} }, actor);
  return {
    ...common,
    commit: head.number,
    stateBytes: head.bytes,
    ...(record === undefined ? {} : { applied: record.state.applied, incarnation: record.incarnation }),
  };
}
