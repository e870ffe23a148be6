// A durable actor as its supervisor sees it: running from its start on, though most of the
// time nobody may be awake. What is accepted for it wakes it; when it has been idle for
// long it leaves memory. It ends when its incarnation fails, or when it is stopped.
import type { ActorDescription, ActorHost, ActorStats } from "../../actors/actor-host.ts";
import type { ExitReason, Failure, Incarnation } from "../../actors/child.ts";
import type { Delivery } from "../../actors/intent.ts";
import type { Progress } from "../../actors/progress.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import { failureIn } from "../../supervisor/failure.ts";
import { type Awakening, after } from "./awakening.ts";
import { isAway, RETRY_MS } from "./away.ts";
import type { DurableActor } from "./durable-actor.ts";
import type { Residency } from "./residency.ts";

export type DurableChildOptions = {
  readonly actor: DurableActor;
  readonly spec: ActorSpec;
  /** Of the first awakening, or a later one when that has been. */
  readonly incarnation: Incarnation;
  readonly start: (spec: ActorSpec, awakening: Awakening) => ActorHost | Promise<ActorHost>;
  /** Undefined: what the last incarnation said counts. */
  readonly describe: ((spec: ActorSpec) => ActorDescription) | undefined;
  /** Runs awakenings, a bounded number at a time. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
  readonly residency: Residency;
  /** Milliseconds to leave memory in; default 5,000. */
  readonly passivateMs?: number;
};

/** Beyond it an actor that is to leave memory is killed: what it had accepted is in the journal. */
const PASSIVATE_MS = 5_000;
/** A host kills itself when its grace is over; one that does not is killed this much later. */
const KILL_MARGIN_MS = 250;

export class DurableChild implements ActorHost {
  readonly path: string;
  readonly exited: Promise<ExitReason>;
  readonly #options: DurableChildOptions;
  readonly #resolveExit: (reason: ExitReason) => void;
  readonly #startedAtUnixMs = Date.now();
  #spec: ActorSpec;
  #described: ActorDescription = { intents: {}, states: [] };
  #waking: Promise<ActorHost | undefined> | undefined;
  #hasWoken = false;
  #passivating = false;
  /** Set once it is to end, with what it ends as. */
  #ending: ExitReason | undefined;
  #ended = false;

  constructor(options: DurableChildOptions) {
    this.#options = options;
    this.#spec = options.spec;
    this.path = options.spec.path;
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.exited = promise;
    this.#resolveExit = resolve;
  }

  /** Of who is awake; until it has ever been, the one that it will be. */
  get incarnation(): Incarnation {
    const { actor, incarnation } = this.#options;
    return this.#hasWoken ? (actor.incarnation ?? incarnation) : after(actor.incarnation, incarnation);
  }

  get isAwake(): boolean {
    return this.#options.actor.host !== undefined;
  }

  get mailboxBound(): number {
    return this.#spec.mailbox.bound;
  }

  get passivateAfterMs(): number {
    return this.#spec.passivateAfterMs ?? 60_000;
  }

  get actor(): DurableActor {
    return this.#options.actor;
  }

  get bound(): string | undefined {
    return this.#options.actor.host?.bound;
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Wakes it, unless it is awake; what goes wrong ends it. */
  wake(): void {
    if (this.#ending !== undefined || this.isAwake || this.#passivating) return;
    void this.#awaken().catch((error: unknown) => this.#end(failedWith(this.path, error)));
  }

  /** The same for a first start: what goes wrong is thrown, and it has not started. */
  async start(): Promise<void> {
    await this.#awaken();
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    const { host } = this.#options.actor;
    if (host === undefined) return err(new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path }));
    return host.deliver(delivery);
  }

  stats(): ActorStats {
    const { host, backlog } = this.#options.actor;
    if (host !== undefined) return host.stats();
    return {
      state: this.#options.actor.lastState,
      mailboxDepth: backlog,
      openRequests: 0,
      handled: 0,
      refused: 0,
      crashed: 0,
      startedAtUnixMs: this.#startedAtUnixMs,
      busySinceUnixMs: undefined,
    };
  }

  describe(): ActorDescription {
    const { actor, describe } = this.#options;
    return actor.host?.describe() ?? describe?.(this.#spec) ?? this.#described;
  }

  reconfigure(spec: Parameters<ActorHost["reconfigure"]>[0]): Result<void, CellError> {
    const changed = this.#options.actor.host?.reconfigure(spec) ?? ok(undefined);
    if (changed.ok) this.#spec = { ...this.#spec, ...spec };
    return changed;
  }

  /** What it goes on from is in its stream. */
  lastGoodSnapshot(): undefined {
    return undefined;
  }

  progress(): Progress | undefined {
    return this.#options.actor.host?.progress?.();
  }

  async fail(failure: Failure): Promise<ExitReason> {
    const { host } = this.#options.actor;
    if (host === undefined) this.#end({ kind: "failed", failure });
    else await host.fail(failure);
    return await this.exited;
  }

  stop(graceMs: number): Promise<ExitReason> {
    return this.#finish({ kind: "shutdown" }, (host) => host.stop(graceMs));
  }

  kill(): Promise<ExitReason> {
    return this.#finish({ kind: "killed" }, (host) => host.kill());
  }

  /** Leaves memory, when nothing holds it there. */
  passivate(): void {
    const { host } = this.#options.actor;
    if (host === undefined || this.#passivating || this.#ending !== undefined) return;
    this.#passivating = true;
    if (this.#options.describe === undefined) this.#described = host.describe();
    const { passivateMs = PASSIVATE_MS } = this.#options;
    const killing = setTimeout(() => void host.kill(), passivateMs + KILL_MARGIN_MS);
    void host.exited.then(() => clearTimeout(killing));
    void host.stop(passivateMs);
  }

  async #awaken(): Promise<ActorHost | undefined> {
    this.#waking ??= this.#options
      .limit(() => this.#tryAwaken())
      .finally(() => {
        this.#waking = undefined;
      });
    return await this.#waking;
  }

  async #tryAwaken(): Promise<ActorHost | undefined> {
    const { actor, incarnation, start } = this.#options;
    while (this.#ending === undefined) {
      try {
        const host = await actor.awaken(this.#spec, incarnation, (awakening) => start(this.#spec, awakening));
        this.#hasWoken = true;
        this.#options.residency.awake(this);
        void host.exited.then((reason) => this.#onHostExit(reason));
        if (this.#ending !== undefined) await host.kill();
        return host;
      } catch (error) {
        if (!isAway(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return undefined;
  }

  #onHostExit(reason: ExitReason): void {
    const passivated = this.#passivating && reason.kind !== "failed" && reason.kind !== "normal";
    this.#passivating = false;
    if (this.#ending !== undefined) this.#end(this.#ending.kind === "killed" ? this.#ending : reason);
    else if (!passivated) this.#end(reason);
    else if (this.#options.actor.isWanted) this.wake();
    else this.#sleep();
  }

  #sleep(): void {
    this.#options.actor.forgetState();
    this.#options.residency.asleep(this);
  }

  async #finish(reason: ExitReason, end: (host: ActorHost) => Promise<ExitReason>): Promise<ExitReason> {
    if (this.#ended) return await this.exited;
    if (this.#ending === undefined || reason.kind === "killed") this.#ending = reason;
    const { host } = this.#options.actor;
    if (host === undefined) this.#end(reason);
    else await end(host);
    return await this.exited;
  }

  #end(reason: ExitReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ending ??= reason;
    this.#options.residency.gone(this);
    this.#resolveExit(reason);
  }
}

function failedWith(path: string, error: unknown): ExitReason {
  return { kind: "failed", failure: failureIn(error) ?? plainFailure(path, error) };
}

function plainFailure(path: string, error: unknown): Failure {
  const coded = error instanceof CellError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return {
    class: coded === undefined ? "crash" : classOfStart(coded),
    name: coded?.code ?? "Error",
    message: message.slice(0, 4_096),
    origin: "start",
    rootActor: path,
  };
}

/** Drift at its claim: somebody wrote between its being read and that. */
function classOfStart({ code }: CellError): Failure["class"] {
  if (code === "STATE_DRIFTED") return "drift";
  return code.startsWith("STATE_") ? "corruption" : "crash";
}
