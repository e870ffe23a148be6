// The delayed events of child machines. XState keeps them in the system that all
// children share, and forgets them in a persisted snapshot: here they are listed by
// the way from the actor down, and armed again.
import type { AnyActorRef, AnyMachineSnapshot } from "xstate";
import type { ChildTimer } from "./machine-state.ts";
import type { ActorClock } from "./ports.ts";

const MAX_DEPTH = 32;

export class ChildTimers {
  readonly #root: AnyActorRef;
  readonly #clock: ActorClock;

  constructor(root: AnyActorRef, clock: ActorClock) {
    this.#root = root;
    this.#clock = clock;
    keepTime(root.system, clock);
  }

  records(): ChildTimer[] {
    const scheduled = Object.values(this.#root.system.getSnapshot()._scheduledEvents);
    return scheduled.flatMap(({ source, target, event, id, delay, startedAt }) => {
      const from = this.#wayTo(source);
      const to = this.#wayTo(target);
      if (from === undefined || from.length === 0 || to === undefined) return [];
      return [{ from, to, id, event, dueUnixMs: startedAt + delay }];
    });
  }

  /** Arms what is left of each; a child that is gone has none. */
  arm(timers: readonly ChildTimer[], snapshot: AnyMachineSnapshot): void {
    for (const { from, to, id, event, dueUnixMs } of timers) {
      const source = follow(snapshot, from);
      const target = to.length === 0 ? this.#root : follow(snapshot, to);
      if (source === undefined || target === undefined) continue;
      const delayMs = Math.max(0, dueUnixMs - this.#clock.unixMs());
      this.#root.system.scheduler.schedule(source, target, event, delayMs, id);
    }
  }

  /** Ids from the actor down; undefined: not within it. */
  #wayTo(actor: AnyActorRef): string[] | undefined {
    const way: string[] = [];
    for (let at: AnyActorRef | undefined = actor; way.length <= MAX_DEPTH; at = at._parent) {
      if (at === undefined) return undefined;
      if (at === this.#root) return way.reverse();
      way.push(at.id);
    }
    return undefined;
  }
}

/** XState notes the process's time; what is kept must be by the actor's clock. */
function keepTime(system: AnyActorRef["system"], clock: ActorClock): void {
  const { scheduler } = system;
  const schedule = scheduler.schedule.bind(scheduler);
  const keep: typeof schedule = (source, target, event, delay, id) => {
    const name = id ?? `${source.id}-${source.sessionId}-${names++}`;
    schedule(source, target, event, delay, name);
    // `getSnapshot()` copies them all.
    const all: unknown = Reflect.get(Object(Reflect.get(system, "_snapshot")), "_scheduledEvents");
    const scheduled: unknown = Reflect.get(Object(all), `${source.sessionId}.${name}`);
    Reflect.set(Object(scheduled), "startedAt", clock.unixMs());
  };
  scheduler.schedule = keep;
}

let names = 0;

function follow(snapshot: AnyMachineSnapshot, way: readonly string[]): AnyActorRef | undefined {
  let children: Record<string, AnyActorRef | undefined> = snapshot.children;
  let found: AnyActorRef | undefined;
  for (const id of way) {
    found = children[id];
    const inner: unknown = found?.getSnapshot();
    children = Object(Reflect.get(Object(inner), "children"));
  }
  return found;
}
