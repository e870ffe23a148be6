// Bringing a child back, as the resurrection matrix says for the class of its failure:
// within the bound that holds for it, after its backoff, alone or with its group. What
// exceeds the bound is parked, or is the supervisor's end.
import type { ExitReason, Failure } from "../actors/child.ts";
import { backoffDelayMs } from "./backoff.ts";
import { beginGroup } from "./decide-group.ts";
import { beginEnding } from "./decide-stop.ts";
import { escalatedFailure } from "./exit-rules.ts";
import { launch } from "./launch.ts";
import type { Counting } from "./matrix-rules.ts";
import { gaveUpRecord, parkedRecord } from "./records.ts";
import { type RestartRule, ruleFor } from "./restart-rules.ts";
import { addRestart, putOff, restartsWithin } from "./restart-window.ts";
import { isGrouped } from "./strategies.ts";
import type { ChildStatus, Resume } from "./supervisor-state.ts";
import { advance, lieDown, record, schedule, settleAll, statusOf, type Turn, update } from "./turn.ts";

/** Of a child that is down, but for its phase. */
export function restartChild(turn: Turn, path: string, reason: ExitReason): Turn {
  const child = statusOf(turn, path);
  if (child === undefined) return turn;
  const rule = ruleFor(turn.state.matrix, child.spec, reason);
  if (rule === undefined) return giveUp(turn, path, reason);
  if (rule.resume === "park") return park(turn, path, reason);
  // The root keeps a supervisor's failure as a status: it restarts none by itself.
  if (turn.state.contains && child.spec.kind === "supervisor" && reason.kind === "failed")
    return escalate(turn, path, reason, rule);
  const { periodMs } = turn.state.spec;
  const recent = restartsWithin(turn.state.window, turn.now.monotonicMs, periodMs);
  const attempt = recent.filter((entry) => entry.key === path).length;
  if (!countRestart(turn, child, rule)) return escalate(turn, path, reason, rule);
  const own = child.spec.kind === "actor" ? child.spec.backoff : undefined;
  const backoffMs = backoffDelayMs(own ?? turn.state.spec.backoff, attempt, turn.now.random);
  turn.state = { ...turn.state, window: putOff(turn.state.window, path, backoffMs) };
  return bringBack(turn, path, { reason, resume: rule.resume, backoffMs });
}

/** Counts it by its own bound or the supervisor's; false: it is one too many. */
function countRestart(turn: Turn, child: ChildStatus, rule: RestartRule): boolean {
  const { path } = child.spec;
  const { monotonicMs } = turn.now;
  if (rule.counting === "intensity" || rule.failure === undefined) {
    const { allowed, window } = addRestart(turn.state.window, path, monotonicMs, turn.state.spec);
    turn.state = { ...turn.state, window };
    return allowed;
  }
  const { restarts, periodMs } = rule.counting;
  const recent = (child.own?.[rule.failure] ?? []).filter((atMs) => monotonicMs - atMs <= periodMs);
  const allowed = recent.length < restarts;
  const own = { ...child.own, [rule.failure]: allowed ? [...recent, monotonicMs] : recent };
  update(turn, path, { own });
  return allowed;
}

type Return = { readonly reason: ExitReason; readonly resume: Resume; readonly backoffMs: number };

function bringBack(turn: Turn, path: string, { reason, resume, backoffMs }: Return): Turn {
  const status = statusOf(turn, path);
  if (status === undefined) return turn;
  const { monotonicMs, unixMs } = turn.now;
  const sinceMs = status.recovery?.sinceMs ?? monotonicMs;
  const waitedMs = (status.recovery?.backoffMs ?? 0) + backoffMs;
  const restarts = status.restarts + 1;
  turn.effects.push({ type: "counted", path, restarts });
  const kept = status.resume === "nothing" ? status.resume : resume;
  const recovery = { sinceMs, backoffMs: waitedMs, reason };
  update(turn, path, { restarts, recovery, resume: kept });
  if (isGrouped(turn.state)) return beginGroup(turn, { path, reason, sinceMs, backoffMs, waitedMs });
  if (backoffMs === 0) return launch(turn, path);
  const restartAtUnixMs = unixMs + backoffMs;
  const child = update(turn, path, { phase: "backing-off", restartAtUnixMs });
  return schedule(turn, "restart", child, backoffMs);
}

/** The bound is exceeded, or the layer cannot help. */
function escalate(turn: Turn, path: string, reason: ExitReason, rule: RestartRule): Turn {
  const bySender = reason.kind === "failed" && reason.failure.intent !== undefined;
  if (bySender && rule.causedBySender === "park") return parkCause(turn, path, reason.failure);
  if (rule.escalation === "park") return park(turn, path, reason, rule.counting);
  return giveUp(turn, path, reason);
}

/** What failed below is parked, and the rest of the subtree brought back around it. */
function parkCause(turn: Turn, path: string, failure: Failure): Turn {
  const { rootActor } = failure;
  const reason = { kind: "failed", failure } as const;
  if (rootActor === path) return park(turn, path, reason);
  if (!rootActor.startsWith(`${path}/`)) return giveUp(turn, path, reason);
  turn.effects.push({ type: "park", path: rootActor, parked: { failure, atUnixMs: turn.now.unixMs } });
  turn.effects.push({ type: "down", path: rootActor });
  record(turn, parkedRecord(rootActor, failure, windowOf(turn)));
  return bringBack(turn, path, { reason, resume: "last", backoffMs: 0 });
}

/** It stays down, with its reason, until an operator starts it; its siblings go on. */
function park(turn: Turn, path: string, reason: ExitReason, bound?: Counting): Turn {
  const failure = escalatedFailure(path, reason);
  // First: who hears that it is down is told why.
  turn.effects.push({ type: "park", path, parked: { failure, atUnixMs: turn.now.unixMs } });
  lieDown(turn, path, "parked");
  const own = bound === undefined || bound === "intensity" ? undefined : bound;
  record(turn, parkedRecord(path, failure, own ?? windowOf(turn)));
  settleAll(turn, path, { code: "SUPERVISOR_CHILD_PARKED", what: `${path} is parked`, failure });
  return advance(turn, path);
}

function giveUp(turn: Turn, path: string, reason: ExitReason): Turn {
  if (turn.state.contains) return contain(turn, path, reason);
  const { spec } = turn.state;
  const failure = escalatedFailure(path, reason);
  // Not yet `down`: the parent may bring the whole subtree back.
  update(turn, path, { phase: "failed", recovery: undefined });
  settleAll(turn, path, { code: "SUPERVISOR_GAVE_UP", what: `supervisor ${spec.path} gave up`, failure });
  record(turn, gaveUpRecord(spec.path, { kind: "failed", failure }, windowOf(turn)));
  const ended = { kind: "failed", failure } as const;
  return beginEnding(turn, { phase: "gaveUp", reason: ended, deadlineMs: Number.POSITIVE_INFINITY });
}

/** At the root a child's failure is a status with its reason, not the end of the process. */
function contain(turn: Turn, path: string, reason: ExitReason): Turn {
  const { kind } = lieDown(turn, path, "gaveUp").spec;
  if (kind === "actor") record(turn, gaveUpRecord(path, reason, windowOf(turn)));
  turn.effects.push({ type: "contained", path, reason });
  return turn;
}

function windowOf({ state, now }: Turn): { readonly restarts: number; readonly periodMs: number } {
  const { periodMs } = state.spec;
  return { restarts: restartsWithin(state.window, now.monotonicMs, periodMs).length, periodMs };
}
