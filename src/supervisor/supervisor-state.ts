// The words of a supervisor's decisions: its state, the events that it is told of and
// the effects that it asks for. All plain data; `decide.ts` maps one to the other.
import type { ExitReason, Failure, Incarnation } from "../actors/child.ts";
import type { ErrorCode } from "../errors/registry.ts";
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type ChildTable, tableOf } from "./child-table.ts";
import { emptyWindow, type RestartWindow } from "./restart-window.ts";

/**
 * `finished`: ended by itself, and its restart type does not bring it back. `failed`: did
 * not start when asked to. `gaveUp`: contained by the root; nothing restarts it by itself.
 */
export type ChildPhase =
  | "stopped"
  | "starting"
  | "running"
  | "backing-off"
  | "stopping"
  | "finished"
  | "failed"
  | "gaveUp";

export type LastExit = { readonly reason: ExitReason; readonly atUnixMs: number };

export type Recovery = {
  readonly sinceMs: number;
  readonly backoffMs: number;
  readonly reason: ExitReason;
};

export type ChildStatus = {
  readonly spec: ChildSpec;
  readonly phase: ChildPhase;
  /** Which start of this supervisor's the child stems from; tells late news of an older one. */
  readonly run: number;
  /** Restarts that the supervisor decided on; an operator's are not counted. */
  readonly restarts: number;
  readonly incarnation?: Incarnation | undefined;
  readonly startedAtUnixMs?: number | undefined;
  readonly lastExit?: LastExit | undefined;
  /** Set while it is down by hand: that is drift from the manifest. */
  readonly stoppedBy?: "operator" | undefined;
  /** What follows once it has stopped. */
  readonly next?: "start" | "remove" | undefined;
  /** Whether the next start goes without the last good snapshot. */
  readonly fresh: boolean;
  /** Set from a failure until the replacement runs. */
  readonly recovery?: Recovery | undefined;
  readonly restartAtUnixMs?: number | undefined;
  /** Operations that wait for its stop or start. */
  readonly ops: readonly number[];
};

export type SupervisorPhase = "idle" | "starting" | "running" | "stopping" | "stopped" | "gaveUp";

export type Ending = {
  readonly phase: "stopped" | "gaveUp";
  readonly reason: ExitReason;
  /** Monotonic; Infinity when every child may use its own shutdown time. */
  readonly deadlineMs: number;
};

export type SupervisorState = {
  /** Its children here are what was declared; `children` is what there is. */
  readonly spec: SupervisorSpec;
  /** The root: a child's end is kept there as a status and never ends its supervisor. */
  readonly contains: boolean;
  readonly phase: SupervisorPhase;
  readonly children: ChildTable<ChildStatus>;
  readonly window: RestartWindow;
  /** Children that wait out a backoff. */
  readonly waiting: number;
  readonly lastRun: number;
  /** Position of the child being started or stopped in order. */
  readonly cursor: number;
  readonly ending?: Ending | undefined;
};

/** The time and the randomness of one decision, so that deciding itself is pure. */
export type Moment = { readonly unixMs: number; readonly monotonicMs: number; readonly random: number };

export type TimerName = "start" | "restart" | "kill" | "abandon";

export type SupervisorEvent =
  | { readonly type: "supervisor.start" }
  | { readonly type: "supervisor.stop"; readonly graceMs: number; readonly reason: ExitReason }
  | {
      readonly type: "child.started";
      readonly path: string;
      readonly run: number;
      readonly incarnation: Incarnation;
    }
  | {
      readonly type: "child.startFailed";
      readonly path: string;
      readonly run: number;
      readonly failure: Failure;
      /** Whether it was started from a snapshot. */
      readonly restoring: boolean;
    }
  | {
      readonly type: "child.exited";
      readonly path: string;
      readonly run: number;
      readonly reason: ExitReason;
    }
  | { readonly type: "timer.fired"; readonly timer: TimerName; readonly path: string; readonly run: number }
  | { readonly type: "admin.start"; readonly path: string; readonly op: number; readonly fresh: boolean }
  | { readonly type: "admin.stop"; readonly path: string; readonly op: number }
  | { readonly type: "admin.restart"; readonly path: string; readonly op: number; readonly fresh: boolean }
  | { readonly type: "admin.add"; readonly spec: ChildSpec; readonly op: number }
  | { readonly type: "admin.replace"; readonly spec: ChildSpec; readonly op: number; readonly fresh: boolean }
  | { readonly type: "admin.delete"; readonly path: string; readonly op: number }
  | { readonly type: "specs.changed"; readonly spec: SupervisorSpec; readonly op: number };

/** Why an operation did not do what was asked. */
export type Refusal = {
  readonly code: ErrorCode;
  readonly what: string;
  readonly failure?: Failure | undefined;
};

export type Effect =
  | {
      readonly type: "startChild";
      readonly spec: ChildSpec;
      readonly run: number;
      readonly fresh: boolean;
    }
  | { readonly type: "abortStart"; readonly path: string; readonly run: number }
  | { readonly type: "stopChild"; readonly path: string; readonly run: number; readonly graceMs: number }
  | { readonly type: "killChild"; readonly path: string; readonly run: number }
  /** Nothing more is expected of this run: it did not even die. */
  | { readonly type: "abandonChild"; readonly path: string; readonly run: number }
  | {
      readonly type: "schedule";
      readonly timer: TimerName;
      readonly path: string;
      readonly run: number;
      readonly delayMs: number;
    }
  | { readonly type: "cancel"; readonly timer: TimerName; readonly path: string }
  | { readonly type: "record"; readonly input: EventInput }
  | { readonly type: "settle"; readonly op: number; readonly refusal: Refusal | undefined }
  /** The path left the graph: what was kept for its restart is dropped. */
  | { readonly type: "forget"; readonly path: string }
  | { readonly type: "contained"; readonly path: string; readonly reason: ExitReason }
  | { readonly type: "ready" }
  | { readonly type: "ended"; readonly reason: ExitReason };

export function initialState(spec: SupervisorSpec, contains = false): SupervisorState {
  return {
    spec,
    contains,
    phase: "idle",
    children: tableOf(spec.children.map((child) => [child.path, absent(child)])),
    window: emptyWindow,
    waiting: 0,
    lastRun: 0,
    cursor: 0,
  };
}

/** A child that has not been started. */
export function absent(spec: ChildSpec): ChildStatus {
  return { spec, phase: "stopped", run: 0, restarts: 0, fresh: false, ops: [] };
}
