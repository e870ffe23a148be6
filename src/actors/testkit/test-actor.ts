// Runs one behaviour as the cell would, by the same host, with virtual time,
// seeded randomness and recorded sends. No broker, no core, no other actor.
import type { AnyMachineSnapshot, AnyStateMachine, InputFrom, SnapshotFrom } from "xstate";
import { CellError } from "../../errors/cell-error.ts";
import type { EventInput } from "../../telemetry/event.ts";
import type { ActorHost, ActorSnapshot } from "../actor-host.ts";
import type { Behaviour } from "../behaviour.ts";
import type { ExitReason } from "../child.ts";
import type { DurableState, OutboxEntry } from "../durable/ports.ts";
import { startDurableActor } from "../durable/start-durable-actor.ts";
import type { LogLevel } from "../effect.ts";
import { startActorNow } from "../host.ts";
import type { OutgoingIntent, OutgoingReply } from "../intent.ts";
import type { IntentDefinitions } from "../intent-definition.ts";
import type { ActorPorts } from "../ports.ts";
import type { StartActorOptions } from "../start-options.ts";
import type { Turn } from "../turn.ts";
import { type CommitFault, MemoryDurability } from "./memory-durability.ts";
import { seededRandom } from "./seeded-random.ts";
import type {
  DeliveredIntent,
  DeliverOptions,
  PayloadOf,
  ReplyOf,
  SentIntent,
  TestActor,
  TestActorOptions,
} from "./test-actor-types.ts";
import { testDelivery } from "./test-delivery.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

/** @throws CellError when it does not start */
export function testActor<M extends AnyStateMachine, I extends IntentDefinitions>(
  behaviour: Behaviour<M, I>,
  options: TestActorOptions<InputFrom<M>> = {},
): TestActor<M, I> {
  return new Bench(behaviour, options);
}

type Sending = SentIntent & { onReply: OutgoingIntent["onReply"]; readonly sequence?: number };
const DEFAULT_START_UNIX_MS = Date.UTC(2026, 0, 1);
/** Rounds of the event loop without anything new, after which nothing is expected any more. */
const QUIET_ROUNDS = 3;

class Bench<M extends AnyStateMachine, I extends IntentDefinitions> implements TestActor<M, I> {
  readonly sent: Sending[] = [];
  readonly logs: { level: LogLevel; message: string }[] = [];
  readonly events: EventInput[] = [];
  exit: ExitReason | undefined;
  host: ActorHost;
  #behaviour: Behaviour;
  #codeHash: string;
  readonly #durability: MemoryDurability | undefined;
  readonly #options: TestActorOptions<unknown>;
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  #turns: Turn[] = [];
  #snapshot: () => AnyMachineSnapshot = () => {
    throw new Error("not started");
  };
  #activation = 0;
  #delivered = 0;

  constructor(behaviour: Behaviour, options: TestActorOptions<unknown>) {
    this.#behaviour = behaviour;
    this.#options = options;
    this.#codeHash = options.codeHash ?? "";
    this.#durability = options.durable === true ? new MemoryDurability() : undefined;
    this.#clock = createVirtualClock(options.startUnixMs ?? DEFAULT_START_UNIX_MS);
    this.#random = seededRandom(options.seed ?? 1);
    this.host = this.#start(undefined);
  }

  get state(): SnapshotFrom<M>["value"] {
    return this.#snapshot().value;
  }

  get context(): SnapshotFrom<M>["context"] {
    return this.#snapshot().context;
  }

  get nowUnixMs(): number {
    return this.#clock.unixMs();
  }

  async request<K extends keyof I & string>(
    type: K,
    payload: PayloadOf<I, K>,
    options: DeliverOptions = {},
  ): Promise<ReplyOf<I, K>> {
    const delivered = await this.deliver(type, payload, options);
    while (!delivered.answered && (await this.#step(Number.POSITIVE_INFINITY)));
    if (delivered.error !== undefined) throw delivered.error;
    const last = delivered.replies.at(-1);
    if (!delivered.answered || last === undefined) throw new Error(`${type} was never answered`);
    return last;
  }

  async deliver<K extends keyof I & string>(
    type: K,
    payload: PayloadOf<I, K>,
    options: DeliverOptions = {},
  ): Promise<DeliveredIntent<ReplyOf<I, K>>> {
    const delivered: {
      id: string;
      replies: ReplyOf<I, K>[];
      error: CellError | undefined;
      answered: boolean;
    } = {
      id: "",
      replies: [],
      error: undefined,
      answered: false,
    };
    const respond = (reply: OutgoingReply): void => {
      // What the host sends was checked against this very schema.
      if (reply.kind === "value") delivered.replies.push(reply.value as ReplyOf<I, K>);
      else delivered.error = telling(reply.error);
      delivered.answered = reply.kind === "error" || reply.final;
    };
    const order = ++this.#delivered;
    const made = testDelivery({
      ...options,
      order,
      type,
      payload,
      target: this.host.path,
      nowUnixMs: this.nowUnixMs,
      respond,
    });
    delivered.id = made.intent.id;
    const delivery = this.#durability?.append(made) ?? made;
    const taken = this.#inTestTime(() => this.host.deliver(delivery));
    if (!taken.ok) respond({ kind: "error", error: taken.error });
    await this.settle();
    return delivered;
  }

  async deliverReply(
    sent: SentIntent,
    value: unknown,
    options: { readonly final?: boolean } = {},
  ): Promise<void> {
    this.#onReplyOf(sent)({ ok: true, value: { value, final: options.final ?? true } });
    await this.settle();
  }

  async deliverError(sent: SentIntent, error: CellError): Promise<void> {
    this.#onReplyOf(sent)({ ok: false, error });
    await this.settle();
  }

  async advance(ms: number): Promise<void> {
    await this.settle();
    const until = this.nowUnixMs + ms;
    while (await this.#step(until));
    this.#clock.set(until);
    await this.settle();
  }

  async settle(): Promise<void> {
    // What a test delivers in one turn is in the mailbox together.
    await Promise.resolve();
    for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
      const worked = this.#inTestTime(() => this.#runTurns());
      quiet = worked ? 0 : quiet + 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  get committed(): DurableState | undefined {
    return this.#durability?.state;
  }

  failCommit(fault: CommitFault): void {
    if (this.#durability === undefined) throw new Error("the actor is not durable");
    this.#durability.fault = fault;
  }

  crashAfterEffects(count: number): void {
    if (this.#durability === undefined) throw new Error("the actor is not durable");
    this.#durability.effectsLeft = count;
  }

  async crash(): Promise<void> {
    this.#durability?.forgetFaults();
    await this.host.kill();
    await this.settle();
  }

  async restart(changed?: { readonly behaviour: Behaviour; readonly codeHash: string }): Promise<void> {
    if (this.exit === undefined) await this.host.kill();
    await this.settle();
    this.#behaviour = changed?.behaviour ?? this.#behaviour;
    this.#codeHash = changed?.codeHash ?? this.#codeHash;
    const snapshot = this.host.lastGoodSnapshot();
    // By way of text, as it is when it was stored.
    this.host = this.#start(snapshot === undefined ? undefined : JSON.parse(JSON.stringify(snapshot)));
    await this.settle();
  }

  async stop(graceMs = 0): Promise<ExitReason> {
    const stopped = this.host.stop(graceMs);
    await this.advance(graceMs);
    return stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.kill();
  }

  #start(snapshot: ActorSnapshot | undefined): ActorHost {
    const {
      path = "test/actor",
      mailbox = { bound: 1000, whenFull: "refuse" },
      intents = {},
    } = this.#options;
    const options = {
      spec: {
        kind: "actor",
        path,
        behaviour: { module: "", export: "" },
        input: null,
        restart: "permanent",
        shutdownMs: 5000,
        isolation: "shared",
        durable: this.#durability !== undefined,
        mailbox,
        intents,
        grants: [],
        placement: {},
      },
      behaviour: this.#behaviour,
      incarnation: { term: 1, activation: ++this.#activation },
      ports: this.#ports(),
      input: this.#options.input,
      onSnapshot: (read) => {
        this.#snapshot = read;
      },
    } satisfies StartActorOptions;
    const durability = this.#durability;
    const host = this.#inTestTime(() => {
      if (durability !== undefined) return this.#startDurable(options, durability);
      return startActorNow({ ...options, ...(snapshot === undefined ? {} : { snapshot }) });
    });
    this.exit = undefined;
    void host.exited.then((reason) => {
      if (host === this.host) this.exit = reason;
    });
    return host;
  }

  #startDurable(options: StartActorOptions, durability: MemoryDurability): ActorHost {
    const { state } = durability;
    let host: ActorHost | undefined;
    let hasDied = false;
    const durable = durability.ports({
      crash: () => {
        hasDied = true;
        void host?.kill();
      },
      sent: (entry, onReply) => this.#relay(entry, onReply),
    });
    const codeHash = this.#codeHash;
    host = startDurableActor({ ...options, durable, codeHash, ...(state === undefined ? {} : { state }) });
    for (const delivery of durability.undecided()) host.deliver(delivery);
    // While it started.
    if (hasDied) void host.kill();
    return host;
  }

  /** Told again after a restart, it is the same intent. */
  #relay(entry: OutboxEntry, onReply: OutgoingIntent["onReply"]): void {
    const { sequence, target, intent, payload, capability, priority, deadlineUnixMs, wantsReply } = entry;
    const before = this.sent.find((each) => each.sequence === sequence);
    if (before !== undefined) before.onReply = onReply;
    else {
      const timeoutMs = deadlineUnixMs - this.nowUnixMs;
      const held = capability === undefined ? {} : { capability };
      this.sent.push({
        target,
        intent,
        payload,
        ...held,
        priority,
        timeoutMs,
        wantsReply,
        onReply,
        sequence,
      });
    }
  }

  #ports(): ActorPorts {
    return {
      clock: this.#clock,
      random: this.#random,
      turns: { schedule: (turn) => this.#turns.push(turn) },
      send: (outgoing) => this.#send(outgoing),
      record: (event) => this.#record(event),
    };
  }

  #send({ target, intent, payload, capability, priority, timeoutMs, onReply }: OutgoingIntent): void {
    this.sent.push({
      target,
      intent,
      payload,
      ...(capability === undefined ? {} : { capability }),
      priority,
      timeoutMs,
      wantsReply: onReply !== undefined,
      onReply,
    });
  }

  #record(event: EventInput): void {
    this.events.push(event);
    if (event.kind.case !== "actorLogged") return;
    const { level, message } = event.kind.value;
    this.logs.push({ level: isLevel(level) ? level : "info", message: message ?? "" });
  }

  #onReplyOf(sent: SentIntent): NonNullable<OutgoingIntent["onReply"]> {
    const onReply = this.sent.find((candidate) => candidate === sent)?.onReply;
    if (onReply === undefined) throw new Error(`${sent.intent} to ${sent.target} expects no reply`);
    return onReply;
  }

  /** Fires the next timer that is due by `untilUnixMs`; false: there is none. */
  async #step(untilUnixMs: number): Promise<boolean> {
    const fire = this.#clock.takeDue(untilUnixMs);
    if (fire === undefined) return false;
    this.#inTestTime(fire);
    await this.settle();
    return true;
  }

  #runTurns(): boolean {
    let worked = false;
    for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) {
      worked = true;
      if (turn()) this.#turns.push(turn);
    }
    return worked;
  }

  /** Date.now and Math.random are the test's while the behaviour's synchronous code runs. */
  #inTestTime<T>(work: () => T): T {
    const { now } = Date;
    const { random } = Math;
    Date.now = () => this.#clock.unixMs();
    Math.random = this.#random;
    try {
      return work();
    } finally {
      Date.now = now;
      Math.random = random;
    }
  }
}

function isLevel(level: string | undefined): level is LogLevel {
  return level === "debug" || level === "info" || level === "warn" || level === "error";
}

/** Callers hear only that the actor crashed; who tests it wants to know why. */
function telling(error: CellError): CellError {
  const { failure } = error.details;
  if (error.code !== "ACTOR_CRASHED" || typeof failure !== "object" || failure === null) return error;
  const { name, message, stack }: { name?: string; message?: string; stack?: string } = failure;
  const told = new CellError("ACTOR_CRASHED", `the actor failed: ${name}: ${message}`, {
    details: error.details,
  });
  if (stack !== undefined) told.stack = stack;
  return told;
}
