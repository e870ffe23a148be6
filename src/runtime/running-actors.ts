// The actors that run in this process, by path: how an intent finds its actor,
// and how the tree learns of mailboxes and states.
import type { ActorHost, ActorStats } from "../actors/actor-host.ts";
import type { Delivery } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec } from "../manifest/graph.ts";

export type RunningActor = {
  readonly host: ActorHost;
  readonly mailboxBound: number;
};

export class RunningActors {
  readonly #running = new Map<string, RunningActor>();

  /** An actor that came up; it leaves by itself when it ends. */
  add(spec: ActorSpec, host: ActorHost): void {
    this.#running.set(spec.path, { host, mailboxBound: spec.mailbox.bound });
    void host.exited.then(() => {
      if (this.#running.get(spec.path)?.host === host) this.#running.delete(spec.path);
    });
  }

  get(path: string): RunningActor | undefined {
    return this.#running.get(path);
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
    if (changed.ok) this.#running.set(spec.path, { ...running, mailboxBound: spec.mailbox.bound });
    return changed;
  }

  /** ACTOR_NOT_RUNNING, or what the actor says. */
  deliver(delivery: Delivery): Result<{ readonly mailboxDepth: number }, CellError> {
    const { target } = delivery.intent;
    const running = this.#running.get(target);
    if (running === undefined) return err(new CellError("ACTOR_NOT_RUNNING", undefined, { where: target }));
    const taken = running.host.deliver(delivery);
    return taken.ok ? ok({ mailboxDepth: running.host.stats().mailboxDepth }) : taken;
  }
}
