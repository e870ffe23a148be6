// One trial: a steady load on target and siblings, one real failure, the wait for the new
// incarnation, and the audit of what the client was told against what the actors keep.
import { z } from "zod";
import type { Fault, Injection } from "./faults.ts";
import { type Judgement, judge, type Keeps, type Ledger } from "./judge.ts";
import { Lane, type Sent } from "./load.ts";
import type { Clock, DrilledCell, Incarnation } from "./ports.ts";

export type TrialPlan = {
  readonly target: string;
  /** Who fails; default: the target. */
  readonly victim?: string | undefined;
  readonly siblings: readonly string[];
  readonly keeps: Keeps;
  /** Undefined: a warm-up that fails nothing. */
  readonly fault: Fault | undefined;
  /** Interval of the load on the target while its recovery is measured: as fine as the figure. */
  readonly probeEveryMs: number;
  /** Load before the failure and after the recovery: at least so long, and up to as much again by the seed. */
  readonly steadyMs: number;
  /** Whether a second process of the node is to stand by before the failure. */
  readonly awaitsSpare: boolean;
  /** Deadline of each intent. */
  readonly deadlineMs: number;
  /** Without an answer of a new incarnation by then, the target did not recover. */
  readonly giveUpMs: number;
};

export type LaneResult = {
  readonly path: string;
  readonly sent: readonly Sent[];
  readonly verdict: Judgement;
};

export type TrialResult = {
  /** From the failure to the first answer of the incarnation that is there at the end; undefined: none came. */
  readonly recoveryMs: number | undefined;
  readonly failedAtMs: number;
  readonly incarnationRose: boolean;
  readonly target: LaneResult;
  readonly siblings: readonly LaneResult[];
  /** Intents of the load that were due and could not leave. */
  readonly notSent: number;
  /** Processes of the cell that died meanwhile, each with its cause. */
  readonly deaths: readonly string[];
};

/** Interval of the load on each actor when nothing fails; target and siblings take turns. */
export const STEADY_EVERY_MS = 50;
/** How long the target is probed finely; what takes longer needs no fine figure. */
const FINE_MS = 1_000;
/** Fine intents under way. */
const MAX_FINE = 2;
const AUDIT_MS = 5_000;
/** Numbers of one trial begin here times its count, so that no two trials share one. */
export const NUMBERS_A_TRIAL = 1_000_000;

const ledgerSchema = z.object({ life: z.string(), applied: z.array(z.tuple([z.int(), z.int()])) });
const countedSchema = z.object({ life: z.string() });

export async function runTrial(
  cell: DrilledCell,
  plan: TrialPlan,
  options: { readonly clock: Clock; readonly random: () => number; readonly trial: number },
): Promise<TrialResult> {
  const { clock, random, trial } = options;
  const lane = (path: string) => ({ path, lane: openLane(cell, path, plan, clock, trial * NUMBERS_A_TRIAL) });
  const target = lane(plan.target);
  const siblings = plan.siblings.map(lane);
  const all = [target, ...siblings];
  const before = await cell.incarnation(plan.target);
  const deathsBefore = cell.deaths().length;
  const endPacing = clock.every(1, () => {
    for (const each of all) each.lane.tick();
  });
  try {
    for (const [at, each] of all.entries()) each.lane.start((at * STEADY_EVERY_MS) / all.length);
    await clock.after(plan.steadyMs * (1 + random()));
    const injection = await provoke(cell, plan, target.lane, clock);
    await clock.after(plan.steadyMs * (1 + random()));
    await Promise.all([...all.map((each) => each.lane.stop()), injection?.settled]);
    const [audited, ...others] = await Promise.all(
      all.map((each) => audit(cell, each.path, each.lane.take(), plan.keeps)),
    );
    if (audited === undefined) throw new RangeError("a trial has a target");
    const revives = plan.fault?.revives ?? "service";
    return {
      recoveryMs: injection === undefined ? undefined : recoveryOf(audited, injection, revives),
      failedAtMs: injection?.failedAtMs ?? 0,
      incarnationRose: revives === "service" || rose(before, await cell.incarnation(plan.target)),
      target: audited,
      siblings: others,
      notSent: all.reduce((count, each) => count + each.lane.notSent, 0),
      deaths: cell.deaths().slice(deathsBefore),
    };
  } finally {
    endPacing();
  }
}

function openLane(cell: DrilledCell, path: string, plan: TrialPlan, clock: Clock, firstNumber: number): Lane {
  const send = async (n: number) =>
    countedSchema.parse(await cell.request(path, "count", { n }, plan.deadlineMs));
  return new Lane({ clock, firstNumber, everyMs: STEADY_EVERY_MS, send });
}

/** Fails the victim and waits until the target has recovered, or for so long that it will not. */
async function provoke(
  cell: DrilledCell,
  plan: TrialPlan,
  lane: Lane,
  clock: Clock,
): Promise<Injection | undefined> {
  const { fault, target, victim = target } = plan;
  if (fault === undefined) return undefined;
  const lifeOf = async (path: string) =>
    countedSchema.parse(await cell.request(path, "ledger", {}, AUDIT_MS)).life;
  const life = await lifeOf(target);
  const victimLife = victim === target ? life : await lifeOf(victim);
  if (plan.awaitsSpare) await cell.spareBeside(Number.parseInt(life, 10));
  const recovered = Promise.withResolvers<void>();
  let isBack = (sent: Sent): boolean =>
    fault.revives === "target" && sent.outcome.kind === "answered" && sent.outcome.life !== life;
  const endListening = lane.onEnd((sent) => {
    if (isBack(sent)) recovered.resolve();
  });
  lane.probe(plan.probeEveryMs, MAX_FINE);
  try {
    const injected = await fault.inject({ cell, target: victim, life: victimLife, clock });
    const tooLate = clock.after(plan.giveUpMs);
    void clock.after(FINE_MS).then(() => lane.pace(STEADY_EVERY_MS));
    await Promise.race([injected.settled, tooLate]);
    if (fault.revives === "service") {
      const settledAtMs = clock.nowMs();
      isBack = ({ dueMs, outcome }) => outcome.kind === "answered" && dueMs >= settledAtMs;
    }
    await Promise.race([recovered.promise, tooLate]);
    return { ...injected, life };
  } finally {
    endListening();
    lane.pace(STEADY_EVERY_MS);
  }
}

/** Reads and empties the ledger, and judges it. An actor that cannot be asked has lost everything it answered. */
async function audit(cell: DrilledCell, path: string, sent: readonly Sent[], keeps: Keeps): Promise<Audited> {
  let ledger: Ledger;
  try {
    ledger = ledgerSchema.parse(await cell.request(path, "ledger", {}, AUDIT_MS));
    await cell.request(path, "forget", {}, AUDIT_MS);
  } catch {
    ledger = { life: "", applied: [] };
  }
  return { path, sent, ledger, verdict: judge(sent, ledger, keeps) };
}

type Audited = LaneResult & { readonly ledger: Ledger };

/** To the life that is there at the end: an incarnation that dies at once has recovered nothing. */
function recoveryOf(
  { sent, ledger }: Audited,
  { failedAtMs, exhaustedAtMs, life, answered }: Injection,
  revives: Fault["revives"],
): number | undefined {
  const since = revives === "target" ? Number.NEGATIVE_INFINITY : lastFailure(sent, failedAtMs);
  const ends = sent.flatMap(({ dueMs, endedMs, outcome }) =>
    outcome.kind === "answered" && outcome.life === ledger.life && dueMs > since && endedMs !== undefined
      ? [endedMs]
      : [],
  );
  const own = answered?.();
  const first = Math.min(...ends, own?.life === ledger.life ? own.atMs : Number.POSITIVE_INFINITY);
  const isAnother = ledger.life !== "" && (revives === "service" || ledger.life !== life);
  const began = Math.max(failedAtMs, exhaustedAtMs?.() ?? failedAtMs);
  return isAnother && Number.isFinite(first) ? first - began : undefined;
}

/** When the last intent that failed was due; at the earliest the failure itself. */
function lastFailure(sent: readonly Sent[], failedAtMs: number): number {
  return Math.max(
    failedAtMs,
    ...sent.flatMap(({ dueMs, outcome }) => (outcome.kind === "failed" ? [dueMs] : [])),
  );
}

function rose(before: Incarnation | undefined, after: Incarnation | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return after.term > before.term || (after.term === before.term && after.activation > before.activation);
}
