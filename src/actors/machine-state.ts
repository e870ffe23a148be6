// The persisted state of a machine with its children and timers: plain JSON, and
// read back with suspicion, because it may come from another version of the code.
import type {
  ActorScope,
  AnyActorRef,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  Snapshot,
} from "xstate";
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { copyAsJson } from "./plain-json.ts";
import type { TimerRecord } from "./timers.ts";

const childSchema = z.looseObject({ snapshot: z.looseObject({ status: z.string() }), src: z.string() });

/** A delayed event of a child machine; both paths are ids from the actor down. */
const childTimerSchema = z.object({
  from: z.array(z.string()).min(1).max(32),
  to: z.array(z.string()).max(32),
  id: z.string(),
  event: z.looseObject({ type: z.string() }),
  dueUnixMs: z.number(),
});
export type ChildTimer = z.infer<typeof childTimerSchema>;

const stateSchema = z.object({
  machine: z.looseObject({
    status: z.literal("active"),
    value: z.union([z.string(), z.record(z.string(), z.unknown())]),
    context: z.record(z.string(), z.unknown()),
    children: z.record(z.string(), childSchema),
  }),
  timers: z
    .array(
      z.object({
        id: z.string(),
        event: z.looseObject({ type: z.string() }),
        to: z.string().exactOptional(),
        dueUnixMs: z.number(),
      }),
    )
    .max(10_000),
  /** Absent: none. */
  childTimers: z.array(childTimerSchema).max(10_000).exactOptional(),
});

export type MachineState = z.infer<typeof stateSchema>;

/**
 * Remembers how each child began. A child that failed or finished, but whose end the
 * machine has not taken successfully, is persisted as it began, so that it runs again.
 */
export class StartedChildren {
  // Most machines have no children.
  #beginnings: WeakMap<AnyActorRef, unknown> | undefined;
  /** Those whose end the machine took while it kept them. */
  #settled: WeakSet<AnyActorRef> | undefined;

  started(child: AnyActorRef): void {
    this.#beginnings ??= new WeakMap();
    this.#beginnings.set(child, persistedOf(child));
  }

  /** @param snapshot after the event */
  settled(event: AnyEventObject, snapshot: AnyMachineSnapshot): void {
    if (!event.type.startsWith("xstate.")) return;
    const id = /^xstate\.(?:done|error)\.actor\.(.*)$/s.exec(event.type)?.[1];
    const child: AnyActorRef | undefined = id === undefined ? undefined : snapshot.children[id];
    if (child === undefined) return;
    this.#settled ??= new WeakSet();
    this.#settled.add(child);
  }

  stateOf(
    persisted: Snapshot<unknown>,
    snapshot: AnyMachineSnapshot,
    timers: readonly TimerRecord[],
    childTimers: readonly ChildTimer[],
  ): MachineState {
    const children: Record<string, unknown> = {};
    const all: Record<string, object> = Object(Reflect.get(persisted, "children"));
    for (const [id, entry] of Object.entries(all)) {
      const child: AnyActorRef | undefined = snapshot.children[id];
      const isUnsettled =
        child !== undefined && child.getSnapshot().status !== "active" && this.#settled?.has(child) !== true;
      children[id] = isUnsettled ? { ...entry, snapshot: this.#beginnings?.get(child) } : entry;
    }
    const ofChildren = childTimers.length === 0 ? {} : { childTimers };
    const state = copyAsJson({ machine: { ...persisted, children }, timers, ...ofChildren });
    return stateSchema.parse(state);
  }
}

function persistedOf(child: AnyActorRef): unknown {
  try {
    return child.getPersistedSnapshot();
  } catch {
    // An unnamed grandchild; the snapshot of the whole will say so.
    return undefined;
  }
}

export type ReadState = {
  readonly timers: readonly TimerRecord[];
  readonly childTimers: readonly ChildTimer[];
  restore(scope: ActorScope<AnyMachineSnapshot, AnyEventObject>): AnyMachineSnapshot;
};

/** @throws CellError ACTOR_SNAPSHOT_INVALID, also from `restore` */
export function readMachineState(state: unknown, machine: AnyStateMachine): ReadState {
  const parsed = stateSchema.safeParse(state);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).slice(0, 500), parsed.error);
  return {
    timers: parsed.data.timers,
    childTimers: parsed.data.childTimers ?? [],
    restore(scope) {
      // XState revives actor references in place.
      const copy = attempt(() => copyAsJson(parsed.data.machine));
      const persisted: Snapshot<unknown> = {
        ...Object(copy),
        status: "active",
        output: undefined,
        error: undefined,
      };
      const restored = attempt(() => machine.restoreSnapshot(persisted, scope));
      const lost = Object.keys(parsed.data.machine.children).find(
        (id) => restored.children[id] === undefined,
      );
      if (lost !== undefined) throw invalid(`the machine no longer has the actor behind its child ${lost}`);
      return restored;
    },
  };
}

function attempt<T>(restore: () => T): T {
  try {
    return restore();
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(what: string, cause?: unknown): CellError {
  return new CellError("ACTOR_SNAPSHOT_INVALID", what, cause === undefined ? {} : { cause });
}
