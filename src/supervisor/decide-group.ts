// Restarting several children for the failure of one: all of them (one_for_all), or it and
// those started after it (rest_for_one). Down in reverse start order, then, after the
// backoff, up in start order. A member that does not start is a failure of its own, and
// its group is restarted again. Temporary children stay gone.
import type { ExitReason } from "../actors/child.ts";
import { drop, stopOne } from "./decide-stop.ts";
import { launch } from "./launch.ts";
import { groupOf } from "./strategies.ts";
import type { ChildStatus, GroupRestart } from "./supervisor-state.ts";
import { cancel, schedule, statusOf, type Turn, update } from "./turn.ts";

export type GroupCause = {
  readonly path: string;
  readonly reason: ExitReason;
  readonly sinceMs: number;
  readonly backoffMs: number;
  /** All that was waited for in this recovery, this time's backoff included. */
  readonly waitedMs: number;
};

export function beginGroup(turn: Turn, { path, reason, sinceMs, backoffMs, waitedMs }: GroupCause): Turn {
  const members = groupOf(turn.state, path) ?? [path];
  const isMember = new Set(members);
  update(turn, path, { phase: "stopped" });
  const cursor = members.length - 1;
  const group = { stage: "stopping", members, cursor, cause: path, reason, sinceMs, backoffMs } as const;
  const deferred = turn.state.deferred.filter((exit) => !isMember.has(exit.path));
  turn.state = { ...turn.state, group: { ...group, waitedMs }, deferred };
  return stopMembers(turn);
}

function stopMembers(turn: Turn): Turn {
  for (let group = turn.state.group; group !== undefined && group.cursor >= 0; group = back(turn, group)) {
    const child = memberAt(turn, group);
    if (child === undefined) continue;
    const { path, restart } = child.spec;
    // Someone stops it already: the group goes on once it is down.
    if (child.phase === "stopping") return turn;
    if (child.phase === "running" || child.phase === "starting")
      return stopOne(turn, child, restart === "temporary" ? { next: "remove" } : {});
    if (child.phase === "backing-off") {
      cancel(turn, "restart", path);
      update(turn, path, { phase: "stopped", restartAtUnixMs: undefined });
    } else if (restart === "temporary") drop(turn, path);
  }
  return afterStops(turn);
}

function afterStops(turn: Turn): Turn {
  const { group } = turn.state;
  if (group === undefined) return turn;
  const cause = statusOf(turn, group.cause);
  if (group.backoffMs === 0 || cause === undefined || cause.stoppedBy !== undefined) return startGroup(turn);
  turn.state = { ...turn.state, group: { ...group, stage: "waiting" } };
  const restartAtUnixMs = turn.now.unixMs + group.backoffMs;
  const child = update(turn, group.cause, { phase: "backing-off", restartAtUnixMs });
  return schedule(turn, "restart", child, group.backoffMs);
}

/** The group's backoff is over, or what it waited for was stopped by hand. */
export function startGroup(turn: Turn): Turn {
  const { group } = turn.state;
  if (group === undefined) return turn;
  if (statusOf(turn, group.cause)?.phase === "backing-off")
    update(turn, group.cause, { phase: "stopped", restartAtUnixMs: undefined });
  turn.state = { ...turn.state, group: { ...group, stage: "starting", cursor: 0 } };
  return startMembers(turn);
}

function startMembers(turn: Turn): Turn {
  for (let group = turn.state.group; group !== undefined; group = forth(turn, group)) {
    if (group.cursor >= group.members.length) return endGroup(turn);
    const child = memberAt(turn, group);
    if (child === undefined || !isToStart(child)) continue;
    if (child.spec.path !== group.cause) restartAlong(turn, child, group);
    return launch(turn, child.spec.path);
  }
  return turn;
}

/** As in Erlang also what had ended by itself; not what an operator stopped or what is parked. */
function isToStart({ phase, stoppedBy }: ChildStatus): boolean {
  if (stoppedBy !== undefined) return false;
  return (
    phase === "stopped" ||
    phase === "backing-off" ||
    phase === "finished" ||
    phase === "ignored" ||
    phase === "failed"
  );
}

function restartAlong(turn: Turn, child: ChildStatus, group: GroupRestart): void {
  const { path } = child.spec;
  const restarts = child.restarts + 1;
  turn.effects.push({ type: "counted", path, restarts });
  const { sinceMs, waitedMs: backoffMs, reason, cause } = group;
  update(turn, path, { restarts, recovery: { sinceMs, backoffMs, reason, cause } });
}

function endGroup(turn: Turn): Turn {
  turn.state = { ...turn.state, group: undefined };
  turn.agenda.push({ do: "judgeDeferred" });
  return turn;
}

export function advanceGroup(turn: Turn, group: GroupRestart, path: string): Turn {
  if (group.members[group.cursor] !== path || group.stage === "waiting") return turn;
  if (group.stage === "stopping") {
    back(turn, group);
    return stopMembers(turn);
  }
  forth(turn, group);
  return startMembers(turn);
}

/** Whether the group restart under way is going to start it. */
export function isPending(turn: Turn, path: string): boolean {
  const { group } = turn.state;
  const at = group?.members.indexOf(path) ?? -1;
  if (group === undefined || at < 0) return false;
  return group.stage !== "starting" || at > group.cursor;
}

const memberAt = (turn: Turn, { members, cursor }: GroupRestart): ChildStatus | undefined =>
  statusOf(turn, members[cursor] ?? "");

const back = (turn: Turn, group: GroupRestart): GroupRestart | undefined => moved(turn, group, -1);
const forth = (turn: Turn, group: GroupRestart): GroupRestart | undefined => moved(turn, group, 1);

function moved(turn: Turn, group: GroupRestart, by: 1 | -1): GroupRestart | undefined {
  turn.state = { ...turn.state, group: { ...group, cursor: group.cursor + by } };
  return turn.state.group;
}
