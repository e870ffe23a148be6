// The last restarts of each actor, with class, cause, time and duration, taken from the
// events as they are recorded. Bounded for each path and in all.
import type { Failure, FailureClass } from "../actors/child.ts";
import type { RestartRow } from "../actors/kernel/reports.ts";
import { failureClasses } from "../supervisor/matrix-rules.ts";
import type { EventInput } from "../telemetry/event.ts";

const KEPT_EACH = 32;
const KEPT_PATHS = 10_000;

type CrashedEvent = Extract<EventInput["kind"], { case: "actorCrashed" }>["value"];
type RestartedEvent = Extract<EventInput["kind"], { case: "actorRestarted" }>["value"];

export class RestartHistory {
  readonly #rows = new Map<string, RestartRow[]>();
  /** Failures of actors that have not been restarted since. */
  readonly #failures = new Map<string, Failure>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes note of failures and restarts; other events pass. */
  observe({ actor, kind }: EventInput): void {
    if (actor === undefined) return;
    if (kind.case === "actorCrashed") keep(this.#failures, actor, failureOf(actor, kind.value));
    else if (kind.case === "actorRestarted") this.#restarted(actor, kind.value);
  }

  /** Oldest first. */
  of(path: string): readonly RestartRow[] {
    return [...(this.#rows.get(path) ?? [])];
  }

  #restarted(actor: string, { cause = "", elapsedUs, backoffMs, failure: given }: RestartedEvent): void {
    const failureClass = classOf(given);
    const failure = this.#failures.get(actor);
    this.#failures.delete(actor);
    const row: RestartRow = {
      atUnixMs: this.#now(),
      cause,
      ...(failureClass === undefined ? {} : { class: failureClass }),
      // A group restart is for the failure of another.
      ...(failure?.class === failureClass && failure !== undefined ? { failure } : {}),
      ...(elapsedUs === undefined ? {} : { elapsedUs: Number(elapsedUs) }),
      ...(backoffMs === undefined || Number(backoffMs) === 0 ? {} : { backoffMs: Number(backoffMs) }),
    };
    keep(this.#rows, actor, [...(this.#rows.get(actor) ?? []), row].slice(-KEPT_EACH));
  }
}

/** As the newest; the path that nothing happened to for longest gives way. */
function keep<T>(kept: Map<string, T>, path: string, value: T): void {
  kept.delete(path);
  kept.set(path, value);
  const [oldest] = kept.size > KEPT_PATHS ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
}

function failureOf(
  rootActor: string,
  { failure, name = "", message = "", event, origin }: CrashedEvent,
): Failure {
  const origins = ["start", "transition", "invoke", "async", "kernel"] as const;
  return {
    class: classOf(failure) ?? "crash",
    name,
    message,
    origin: origins.find((each) => each === origin) ?? "kernel",
    ...(event === undefined || event === "" ? {} : { event }),
    rootActor,
  };
}

const classOf = (word: string | undefined): FailureClass | undefined =>
  failureClasses.find((each) => each === word);
