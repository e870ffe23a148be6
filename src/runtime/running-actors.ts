// The actors that run in this process, by path: how an intent finds its actor,
// and how the tree learns of mailboxes and states.
import type { ActorHost, ActorStats } from "../actors/actor-host.ts";
import type { Delivery } from "../actors/intent.ts";
import type { ActorClock } from "../actors/ports.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec } from "../manifest/graph.ts";
import { systemClock } from "../supervisor/ports.ts";
import type { EventInput } from "../telemetry/event.ts";
import { Interim } from "./interim.ts";

export type RunningActor = {
  readonly host: ActorHost;
  /** As it was started, or changed in place since. */
  readonly spec: ActorSpec;
  readonly mailboxBound: number;
};

export type RunningActorsOptions = {
  readonly record?: (event: EventInput) => void;
  readonly clock?: ActorClock;
};

/** Why an intent is not even tried, e.g. because it has killed before. */
export type Refuses = (delivery: Delivery, spec: ActorSpec | undefined) => CellError | undefined;

/** What a dynamic supervisor here makes its next child from, whatever revision is in force. */
export type TemplateOf = (supervisor: string) => ActorSpec | undefined;

export class RunningActors {
  readonly #running = new Map<string, RunningActor>();
  readonly #interim: Interim;
  #refuses: Refuses = () => undefined;
  #templateOf: TemplateOf = () => undefined;

  constructor({ record = () => {}, clock = systemClock }: RunningActorsOptions = {}) {
    this.#interim = new Interim(clock, record);
  }

  refuseBy(refuses: Refuses): void {
    this.#refuses = refuses;
  }

  templatesBy(templateOf: TemplateOf): void {
    this.#templateOf = templateOf;
  }

  templateOf(supervisor: string): ActorSpec | undefined {
    return this.#templateOf(supervisor);
  }

  /** An actor that came up; it leaves by itself when it ends. What waited for it is delivered first. */
  add(spec: ActorSpec, host: ActorHost): void {
    const { path, mailbox } = spec;
    this.#running.set(path, { host, spec, mailboxBound: mailbox.bound });
    void host.exited.then(() => {
      if (this.#running.get(path)?.host !== host) return;
      this.#interim.open(path, this.#running.get(path)?.mailboxBound ?? mailbox.bound);
      this.#running.delete(path);
    });
    for (const delivery of this.#interim.take(path)) {
      const taken = host.deliver(delivery);
      if (!taken.ok) this.#interim.refuse(delivery, taken.error);
    }
  }

  /** Nothing at this path or below it comes back by itself: who waits for it need not. */
  down(path: string, why?: CellError): void {
    this.#interim.down(path, why);
  }

  get(path: string): RunningActor | undefined {
    return this.#running.get(path);
  }

  all(): Iterable<RunningActor> {
    return this.#running.values();
  }

  get size(): number {
    return this.#running.size;
  }

  paths(): readonly string[] {
    return [...this.#running.keys()];
  }

  stats(path: string): ActorStats | undefined {
    return this.#running.get(path)?.host.stats();
  }

  /** Changes that need no new run. */
  reconfigure(spec: ActorSpec): Result<void, CellError> {
    const running = this.#running.get(spec.path);
    if (running === undefined) return ok(undefined);
    const changed = running.host.reconfigure(spec);
    if (changed.ok) this.#running.set(spec.path, { ...running, spec, mailboxBound: spec.mailbox.bound });
    return changed;
  }

  /** Why it is not even tried. */
  refusal(delivery: Delivery): CellError | undefined {
    return this.#refuses(delivery, this.#running.get(delivery.intent.target)?.spec);
  }

  /** ACTOR_MAILBOX_FULL before anything is given up for an intent that would hear it. */
  isFull(target: string): CellError | undefined {
    const running = this.#running.get(target);
    if (running === undefined || running.host.stats().mailboxDepth < running.mailboxBound) return undefined;
    return new CellError("ACTOR_MAILBOX_FULL", undefined, { where: target });
  }

  /** ACTOR_NOT_RUNNING likewise; of no use for who sleeps. */
  isGone(target: string): CellError | undefined {
    if (this.#running.has(target) || this.#interim.expects(target)) return undefined;
    return new CellError("ACTOR_NOT_RUNNING", undefined, { where: target });
  }

  /** ACTOR_NOT_RUNNING, or what the actor says. While it is being restarted the intent waits. */
  deliver(delivery: Delivery): Result<{ readonly mailboxDepth: number }, CellError> {
    const { target } = delivery.intent;
    const running = this.#running.get(target);
    const refused = this.refusal(delivery);
    if (refused !== undefined) return err(refused);
    // What is journaled is read again from there.
    const isKept = delivery.journaled === undefined;
    if (running === undefined)
      return (isKept ? this.#interim.put(delivery) : undefined) ?? notRunning(target);
    const taken = running.host.deliver(delivery);
    if (taken.ok) return ok({ mailboxDepth: running.host.stats().mailboxDepth });
    if (taken.error.code !== "ACTOR_NOT_RUNNING" || !isKept) return taken;
    // It is just ending, or its end is not known here yet.
    this.#interim.open(target, running.mailboxBound);
    return this.#interim.put(delivery) ?? taken;
  }
}

function notRunning(where: string): Result<never, CellError> {
  return err(new CellError("ACTOR_NOT_RUNNING", undefined, { where }));
}
