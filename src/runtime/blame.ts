// Which actors are to be parked because their code ended the node's process again and
// again: a pure decision over what the cradle tells of earlier processes. Without it who
// may send to an actor of the shared loop could take the whole cell down.
import type { FailureClass } from "../actors/child.ts";
import type { Suspect } from "../supervisor/cradle/process-spec.ts";
import type { ParkedAfter, ResurrectionMatrix } from "../supervisor/matrix-rules.ts";

export type Blame = {
  readonly actor: string;
  readonly deaths: number;
  readonly failure: FailureClass;
  readonly atUnixMs: number;
  readonly rule: ParkedAfter;
};

export type BlameOptions = {
  /** The latest last. */
  readonly suspects: readonly Suspect[];
  readonly matrix: ResurrectionMatrix;
  readonly nowUnixMs: number;
  /** When somebody started it by hand: what was before that counts no more. */
  readonly freedAtUnixMs: (actor: string) => number | undefined;
};

const MINUTE_MS = 60_000;

/**
 * At the actor's so many deaths, as the matrix says; beyond so many deaths within a minute,
 * of whatever actors, at the first: one who can send to many actors ends the process at
 * most that often, and once more by each of them.
 */
export function actorsToPark(options: BlameOptions): readonly Blame[] {
  const { suspects, matrix, nowUnixMs, freedAtUnixMs } = options;
  const counts = new Map<string, number>();
  const parked = new Map<string, Blame>();
  const times: number[] = [];
  for (const { actor, atUnixMs, failure } of suspects) {
    const rule = failure && ruleOf(matrix, failure);
    // The node's own actors are the node: the cradle's bound is theirs.
    if (failure === undefined || rule === undefined || actor.startsWith("kernel/")) continue;
    if (nowUnixMs - atUnixMs >= rule.periodMs || atUnixMs <= (freedAtUnixMs(actor) ?? 0)) continue;
    times.push(atUnixMs);
    const deaths = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, deaths);
    const ofLate = times.filter((each) => atUnixMs - each < MINUTE_MS).length;
    if (deaths >= rule.deaths || ofLate > rule.atOnceBeyond)
      parked.set(actor, { actor, deaths, failure, atUnixMs, rule });
  }
  return [...parked.values()];
}

function ruleOf(matrix: ResurrectionMatrix, failure: FailureClass): ParkedAfter | undefined {
  const answer = matrix.process[failure];
  return answer.kind === "rule" ? answer.parkedAfter : undefined;
}
