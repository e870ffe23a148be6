// The words of a supervisor's decisions: its state, the events that it is told of and
// the effects that it asks for. All plain data; `decide.ts` maps one to the other.
import type { ExitReason, Failure, FailureClass, Incarnation } from "../actors/child.ts";
import type { ErrorCode } from "../errors/registry.ts";
import type { ChildSpec, Json, SupervisorSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type ChildTable, tableOf } from "./child-table.ts";
import { matrix as defaultMatrix } from "./matrix.ts";
import type { ResurrectionMatrix } from "./matrix-rules.ts";
import { emptyWindow, type RestartWindow } from "./restart-window.ts";

/**
 * `finished`: ended by itself, and its restart type does not bring it back. `ignored`: it
 * declined to start. `failed`: did not start when asked to. `gaveUp`: contained by the
 * root. `parked`: what kills it can be caused at will. Nothing restarts either by itself.
 */
export type ChildPhase =
  | "stopped"
  | "starting"
  | "running"
  | "backing-off"
  | "stopping"
  | "finished"
  | "ignored"
  | "failed"
  | "gaveUp"
  | "parked";

/** Whether the next start goes from the newest good snapshot; where there is none it is fresh. */
export type Resume = "last" | "nothing";

export type LastExit = { readonly reason: ExitReason; readonly atUnixMs: number };

export type Recovery = {
  readonly sinceMs: number;
  readonly backoffMs: number;
  readonly reason: ExitReason;
  /** The sibling whose failure it is restarted for, in a group restart. */
  readonly cause?: string | undefined;
};

/** Why nothing restarts it until an operator does. */
export type Parked = { readonly failure: Failure; readonly atUnixMs: number };

/** Monotonic times of restarts that have a bound of their own, by class; oldest first. */
export type OwnRestarts = { readonly [C in FailureClass]?: readonly number[] };

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
  readonly resume: Resume;
  readonly own?: OwnRestarts | undefined;
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

/** A restart of several children: down in reverse start order, then up in order. */
export type GroupRestart = {
  readonly stage: "stopping" | "waiting" | "starting";
  /** Paths in start order. */
  readonly members: readonly string[];
  /** Position in `members` of the child being stopped or started. */
  readonly cursor: number;
  /** Path of the child whose failure it is for, and how that ended. */
  readonly cause: string;
  readonly reason: ExitReason;
  readonly sinceMs: number;
  readonly backoffMs: number;
  /** All that was waited for in this recovery, this time's backoff included. */
  readonly waitedMs: number;
};

/** An end that came while several children were being started or stopped in order. */
export type DeferredExit = { readonly path: string; readonly run: number; readonly reason: ExitReason };

/** How many children are in which kind of phase. */
export type Counts = {
  /** Starting, running or stopping. */
  readonly active: number;
  /** Waiting out a backoff. */
  readonly waiting: number;
  /** Significant ones that run or are about to. */
  readonly significant: number;
};

export type SupervisorState = {
  /** Its children here are what was declared; `children` is what there is. */
  readonly spec: SupervisorSpec;
  /** The rules that failures are answered by. */
  readonly matrix: ResurrectionMatrix;
  /** The root: a child's end is kept there as a status and never ends its supervisor. */
  readonly contains: boolean;
  readonly phase: SupervisorPhase;
  readonly children: ChildTable<ChildStatus>;
  readonly window: RestartWindow;
  readonly counts: Counts;
  readonly lastRun: number;
  /** Position of the child being started or stopped in order. */
  readonly cursor: number;
  readonly group?: GroupRestart | undefined;
  /** Judged once the group restart under way, or the first start, is through. */
  readonly deferred: readonly DeferredExit[];
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
  /** It declined to start. */
  | { readonly type: "child.ignored"; readonly path: string; readonly run: number }
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
  /** A child from the template of a dynamic supervisor. */
  | { readonly type: "admin.spawn"; readonly name: string; readonly input: Json; readonly op: number }
  | { readonly type: "admin.replace"; readonly spec: ChildSpec; readonly op: number; readonly fresh: boolean }
  /** `stop`: a child that runs is stopped first; otherwise it is refused. */
  | { readonly type: "admin.delete"; readonly path: string; readonly op: number; readonly stop: boolean }
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
      readonly resume: Resume;
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
  /** It and all below it are down and nothing brings them back by itself: who waits for it need not. */
  | { readonly type: "down"; readonly path: string }
  /** Kept for every later run of its supervisor, until an operator starts it. */
  | { readonly type: "park"; readonly path: string; readonly parked: Parked }
  | { readonly type: "unpark"; readonly path: string }
  /** Counted beyond the supervisor's own run. */
  | { readonly type: "counted"; readonly path: string; readonly restarts: number }
  /** The path left the graph: what was kept for its restart is dropped. */
  | { readonly type: "forget"; readonly path: string }
  | { readonly type: "contained"; readonly path: string; readonly reason: ExitReason }
  | { readonly type: "ready" }
  | { readonly type: "ended"; readonly reason: ExitReason };

/** What is known of a child from earlier runs of its supervisor. */
export type Recalled = { readonly restarts: number; readonly parked?: Parked | undefined };

export type InitialOptions = {
  readonly contains?: boolean;
  readonly matrix?: ResurrectionMatrix;
  readonly recall?: (path: string) => Recalled;
};

export function initialState(spec: SupervisorSpec, options: InitialOptions = {}): SupervisorState {
  const { contains = false, matrix = defaultMatrix, recall } = options;
  return {
    spec,
    matrix,
    contains,
    phase: "idle",
    children: tableOf(spec.children.map((child) => [child.path, absent(child, recall?.(child.path))])),
    window: emptyWindow,
    counts: { active: 0, waiting: 0, significant: 0 },
    lastRun: 0,
    cursor: 0,
    deferred: [],
  };
}

/** A child that has not been started by this run of its supervisor. */
export function absent(spec: ChildSpec, recalled: Recalled = { restarts: 0 }): ChildStatus {
  const { restarts, parked } = recalled;
  const status = { spec, run: 0, restarts, resume: "last", ops: [] } as const;
  if (parked === undefined) return { ...status, phase: "stopped" };
  const reason = { kind: "failed", failure: parked.failure } as const;
  return { ...status, phase: "parked", lastExit: { reason, atUnixMs: parked.atUnixMs } };
}

/** Children come and go at run time, all made from one template. */
export const isDynamic = ({ spec }: SupervisorState): boolean => spec.strategy === "simple_one_for_one";
