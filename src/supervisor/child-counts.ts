// How many of a supervisor's children are in which kind of phase, kept as they change: so
// that no decision has to look at all of them, however many there are.
import type { ChildPhase, ChildStatus, Counts } from "./supervisor-state.ts";

/** Absent on either side: the child is new, or it leaves. */
export function recounted(
  counts: Counts,
  before: ChildStatus | undefined,
  after: ChildStatus | undefined,
): Counts {
  const differs = (of: (status: ChildStatus) => boolean): number =>
    (after !== undefined && of(after) ? 1 : 0) - (before !== undefined && of(before) ? 1 : 0);
  const active = differs(isActive);
  const waiting = differs(isWaiting);
  const significant = differs((status) => status.spec.significant === true && isExpected(status));
  if (active === 0 && waiting === 0 && significant === 0) return counts;
  return {
    active: counts.active + active,
    waiting: counts.waiting + waiting,
    significant: counts.significant + significant,
  };
}

const ACTIVE: ReadonlySet<ChildPhase> = new Set(["starting", "running", "stopping"]);

export const isActive = ({ phase }: ChildStatus): boolean => ACTIVE.has(phase);
const isWaiting = ({ phase }: ChildStatus): boolean => phase === "backing-off";
const isExpected = (status: ChildStatus): boolean => isActive(status) || isWaiting(status);
