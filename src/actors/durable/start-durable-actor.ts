// Starts an incarnation of a durable actor: from what its last commit kept, or from the
// beginning. The same behaviour as a volatile one, under the same host, on another
// stage: it decides, has the decision committed, and only then performs it.

import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorDescription, ActorHost, ActorStats } from "../actor-host.ts";
import type { ExitReason, Failure, Incarnation } from "../child.ts";
import { Host } from "../host.ts";
import type { Delivery, ReceivedIntent } from "../intent.ts";
import type { Progress } from "../progress.ts";
import type { StartActorOptions } from "../start-options.ts";
import { processTurns } from "../turn.ts";
import { AppliedPositions, NOTHING_APPLIED, Sources } from "./applied-positions.ts";
import { DurableStage, MAX_STATE_BYTES } from "./durable-stage.ts";
import { type HostState, readHostState } from "./host-state.ts";
import { Outbox } from "./outbox.ts";
import type { DurablePorts, DurableState, Journaled, StoredReply } from "./ports.ts";
import { resumeMachine, resumeRest } from "./resume.ts";
import { type Answer, Routes } from "./routes.ts";

export type StartDurableOptions = Omit<StartActorOptions, "snapshot"> & {
  /** Of the behaviour that runs now. */
  readonly codeHash: string;
  readonly durable: DurablePorts;
  /** Of the last commit; absent: it never ran. */
  readonly state?: DurableState;
  /** Answers that have left, for who asks again. Default: none. */
  readonly answered?: readonly StoredReply[];
  /** The state is one that this process made itself: its form is not judged again. Default false. */
  readonly isOwn?: boolean;
  /** No commit of several steps ended the incarnation before; default: not known, and its first are committed one by one. */
  readonly isCleared?: boolean;
  /** UTF-8 bytes of one commit. Default 512 KiB. */
  readonly maxStateBytes?: number;
};

/**
 * Starts a durable actor, in one turn; its initial state is committed soon after.
 * Deliveries come in the journal's order, from the lowest position that `state.applied`
 * does not cover; ones that are applied already do no harm.
 * @throws CellError ACTOR_START_FAILED, ACTOR_STATE_INVALID, ACTOR_SNAPSHOT_INVALID,
 *   ACTOR_MIGRATION_MISSING, ACTOR_MIGRATION_FAILED, ACTOR_INTENT_SCHEMA_INVALID
 */
export function startDurableActor(options: StartDurableOptions): ActorHost {
  const { state, isOwn = false } = options;
  const kept = state === undefined ? undefined : isOwn ? (state.host as HostState) : readHostState(state);
  const actor = new DurableActor(options, kept);
  actor.start();
  return actor;
}

class DurableActor implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  readonly #options: StartDurableOptions;
  readonly #kept: HostState | undefined;
  readonly #host: Host;
  readonly #applied: AppliedPositions;
  readonly #sources: Sources;
  readonly #routes: Routes;
  readonly #outbox: Outbox;
  #stage: DurableStage | undefined;

  constructor(options: StartDurableOptions, kept: HostState | undefined) {
    const { spec, incarnation, state, answered = [], durable, ports } = options;
    this.path = spec.path;
    this.incarnation = incarnation;
    this.#options = options;
    this.#kept = kept;
    this.#applied = new AppliedPositions(state?.applied ?? NOTHING_APPLIED, kept?.ahead ?? {});
    this.#sources = new Sources(state?.sources ?? {});
    const answer: Answer = (...parts) => this.#stage?.answer(...parts);
    this.#routes = new Routes(
      (address, index) => durable.responder(address, index),
      [...answered, ...(state?.replies ?? [])],
      answer,
    );
    this.#outbox = new Outbox(
      (...entry) => durable.relay(...entry),
      state?.outboxSequence ?? 0,
      () => this.#stage?.tidy(),
    );
    const send = (outgoing: Parameters<typeof ports.send>[0]) => this.#stage?.send(outgoing);
    this.#host = new Host({ ...options, ports: { ...ports, send } }, (staged) => {
      this.#stage = new DurableStage(this.#stageOptions(), staged);
      return this.#stage;
    });
    this.exited = this.#host.exited;
  }

  #stageOptions(): ConstructorParameters<typeof DurableStage>[0] {
    const { spec, behaviour, codeHash, durable, ports } = this.#options;
    const { maxStateBytes = MAX_STATE_BYTES, isCleared = false } = this.#options;
    return {
      path: spec.path,
      codeHash,
      version: behaviour.version,
      fresh: behaviour.onRestart === "fresh",
      maxStateBytes,
      isCleared,
      ports: durable,
      clock: ports.clock,
      turns: ports.turns ?? processTurns,
      applied: this.#applied,
      sources: this.#sources,
      outbox: this.#outbox,
      routes: this.#routes,
    };
  }

  /** @throws CellError; nothing is left running then */
  start(): void {
    const { state, behaviour, input = this.#options.spec.input } = this.#options;
    const stage = this.#stage;
    const kept = this.#kept;
    if (state === undefined || kept === undefined || stage === undefined) {
      this.#host.start(this.#options);
      return;
    }
    const { codeHash, ports } = this.#options;
    const routes = this.#routes;
    const { succession } = ports;
    const parts = {
      behaviour,
      input,
      state,
      kept,
      stage,
      routes,
      outbox: this.#outbox,
      succession,
      codeHash,
    };
    const nowUnixMs = ports.clock.unixMs();
    this.#host.start(
      this.#options,
      kept.machine === null ? undefined : () => resumeMachine(parts, nowUnixMs),
    );
    resumeRest(parts, nowUnixMs);
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    const { intent, journaled } = delivery;
    if (journaled === undefined)
      return err(new CellError("ACTOR_NOT_JOURNALED", undefined, { where: this.path }));
    this.#applied.came(intent.priority, journaled.position);
    const isKnown = this.#applied.knows(intent.priority, journaled.position);
    if (!isKnown && this.#routes.isTaken(intent)) {
      this.#stage?.consume(delivery);
      delivery.respond({
        kind: "error",
        error: new CellError("CAPSULE_ID_REUSED", undefined, { where: this.path }),
      });
      return ok(undefined);
    }
    if (isKnown || this.#isRepeated(intent, journaled)) {
      if (!isKnown) this.#stage?.consume(delivery);
      this.#again(delivery);
      return ok(undefined);
    }
    const poison = this.#options.ports.succession?.refuses(delivery);
    const taken = poison === undefined ? this.#host.deliver(this.#routes.of(delivery)) : err(poison);
    if (!taken.ok && MAY_COME_AGAIN.has(taken.error.code)) {
      this.#routes.forget(intent.id);
      return taken;
    }
    const { position, sourceSequence } = journaled;
    this.#applied.expect(intent.priority, position);
    if (sourceSequence !== undefined) this.#sources.expect(intent.source, intent.priority, sourceSequence);
    if (!taken.ok) {
      // It is in the journal, and will never be anything but refused.
      this.#stage?.settled(delivery);
      this.#routes.refuse(delivery, taken.error);
    }
    return ok(undefined);
  }

  stats(): ActorStats {
    return this.#host.stats();
  }

  describe(): ActorDescription {
    return this.#host.describe();
  }

  reconfigure(spec: Parameters<ActorHost["reconfigure"]>[0]): Result<void, CellError> {
    return this.#host.reconfigure(spec);
  }

  /** None: what it goes on from is in the stream. */
  lastGoodSnapshot(): undefined {
    return undefined;
  }

  /** A commit that is not kept for long ends it by itself: it is no hang. */
  progress(): Progress {
    const progress = this.#host.progress();
    const { isHeld, untilMs } = this.#stage?.standing ?? { isHeld: false, untilMs: 0 };
    return {
      ...progress,
      hasWork: progress.hasWork && !isHeld,
      steppedAtMs: Math.max(progress.steppedAtMs, untilMs),
    };
  }

  fail(failure: Failure): Promise<ExitReason> {
    return this.#host.fail(failure);
  }

  stop(graceMs: number): Promise<ExitReason> {
    return this.#host.stop(graceMs);
  }

  kill(): Promise<ExitReason> {
    return this.#host.kill();
  }

  #isRepeated(intent: ReceivedIntent, { sourceSequence }: Journaled): boolean {
    const { source, priority } = intent;
    if (this.#routes.holds(intent) || this.#routes.hasAnswered(intent)) return true;
    return sourceSequence !== undefined && this.#sources.knows(source, priority, sourceSequence);
  }

  /** It was taken before: its sender gets what was answered, or will get what is. */
  #again(delivery: Delivery): void {
    if (this.#routes.rebind(delivery) || this.#routes.repeat(delivery)) return;
    if (!delivery.intent.wantsReply) {
      delivery.respond({ kind: "value", value: {}, final: true });
      return;
    }
    const error = new CellError("CAPSULE_REPLY_NOT_KEPT", undefined, { where: this.path });
    delivery.respond({ kind: "error", error });
  }
}

/** Refusals that leave the intent in the journal, to be delivered again. */
const MAY_COME_AGAIN: ReadonlySet<string> = new Set(["ACTOR_MAILBOX_FULL", "ACTOR_NOT_RUNNING"]);
