// Every decision of a supervisor, as a pure function: what it knows, what happened, when
// -> what it knows now and what is to be done. It performs nothing, reads no clock and
// draws no randomness. Semantics: Erlang/OTP's `supervisor`; what differs is told in
// docs/decisions. One file for each kind of event.
import {
  onAdminAdd,
  onAdminDelete,
  onAdminReplace,
  onAdminRestart,
  onAdminSpawn,
  onAdminStart,
  onAdminStop,
  onSpecsChanged,
} from "./decide-admin.ts";
import { followUp } from "./decide-advance.ts";
import { onChildExited } from "./decide-exit.ts";
import { startGroup } from "./decide-group.ts";
import {
  onChildStarted,
  onIgnored,
  onStartFailed,
  onStartTimeout,
  onSupervisorStart,
} from "./decide-start.ts";
import { beginEnding, onAbandonDue, onKillDue } from "./decide-stop.ts";
import { launch } from "./launch.ts";
import type { Effect, Moment, SupervisorEvent, SupervisorState } from "./supervisor-state.ts";
import { currentRun, type Turn } from "./turn.ts";

export type Decision = { readonly state: SupervisorState; readonly effects: readonly Effect[] };

export function decide(state: SupervisorState, event: SupervisorEvent, now: Moment): Decision {
  const turn: Turn = { state, effects: [], agenda: [], now };
  apply(turn, event);
  followUp(turn);
  return { state: turn.state, effects: turn.effects };
}

function apply(turn: Turn, event: SupervisorEvent): Turn {
  switch (event.type) {
    case "supervisor.start":
      return onSupervisorStart(turn);
    case "supervisor.stop": {
      const deadlineMs = turn.now.monotonicMs + event.graceMs;
      return beginEnding(turn, { phase: "stopped", reason: event.reason, deadlineMs });
    }
    case "child.started":
      return onChildStarted(turn, event.path, event.run, event.incarnation);
    case "child.startFailed":
      return onStartFailed(turn, event.path, event);
    case "child.ignored":
      return onIgnored(turn, event.path, event.run);
    case "child.exited":
      return onChildExited(turn, event.path, event.run, event.reason);
    case "timer.fired":
      return onTimer(turn, event);
    case "admin.start":
      return onAdminStart(turn, event.path, event.op, event.fresh);
    case "admin.stop":
      return onAdminStop(turn, event.path, event.op);
    case "admin.restart":
      return onAdminRestart(turn, event.path, event.op, event.fresh);
    case "admin.add":
      return onAdminAdd(turn, event.spec, event.op);
    case "admin.spawn":
      return onAdminSpawn(turn, event.name, event.input, event.op);
    case "admin.replace":
      return onAdminReplace(turn, event.spec, event.op, event.fresh);
    case "admin.delete":
      return onAdminDelete(turn, event.path, event.op, event.stop);
    case "specs.changed":
      return onSpecsChanged(turn, event.spec, event.op);
  }
  return turn;
}

function onTimer(turn: Turn, { timer, path, run }: Extract<SupervisorEvent, { type: "timer.fired" }>): Turn {
  switch (timer) {
    case "start":
      return onStartTimeout(turn, path, run);
    case "restart":
      return onRestartDue(turn, path, run);
    case "kill":
      return onKillDue(turn, path, run);
    case "abandon":
      return onAbandonDue(turn, path, run);
  }
  return turn;
}

/** A child's backoff is over, or that of its group. */
function onRestartDue(turn: Turn, path: string, run: number): Turn {
  if (currentRun(turn, path, run)?.phase !== "backing-off") return turn;
  return turn.state.group?.stage === "waiting" ? startGroup(turn) : launch(turn, path);
}
