// The actor's side of a worker or process: waits for its identity, then runs the
// very host that shared actors run under, with ports that lead through the channel.
import type { ToActor } from "../../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../../manifest/graph.ts";
import { parseJson } from "../../../wire/json-keys.ts";
import { attributeAsyncFailure } from "../../actor-context.ts";
import { actorFailure } from "../../actor-failure.ts";
import type { ActorHost } from "../../actor-host.ts";
import { asCellError } from "../../as-cell-error.ts";
import type { Behaviour } from "../../behaviour.ts";
import type { ExitReason, Failure } from "../../child.ts";
import { describeIntents } from "../../describe.ts";
import type { DurableState } from "../../durable/ports.ts";
import { startDurableActor } from "../../durable/start-durable-actor.ts";
import { startActor } from "../../host.ts";
import type { ActorPorts } from "../../ports.ts";
import { statesOf } from "../../state-name.ts";
import { jsonBytes } from "../bounded-json.ts";
import { FrameReader, MAX_TO_ACTOR_BYTES } from "../frames.ts";
import {
  fromActorFrame,
  fromOutcome,
  readDelivery,
  readDurable,
  readRefusals,
  readToActor,
  toStartError,
} from "../messages.ts";
import { InsideDurable } from "./inside-durable.ts";
import { InsidePorts } from "./inside-ports.ts";
import { Outbox, type Write } from "./outbox.ts";
import { StateSender } from "./state-sender.ts";

export type Start = Extract<ToActor["kind"], { case: "start" }>["value"];
export type InsideOptions = {
  readonly write: Write;
  /** @throws CellError ACTOR_BEHAVIOUR_* */
  readonly load: (start: Start) => Promise<Behaviour>;
  /** The last word is written. */
  readonly done: () => void;
};

/** Gets the channel's bytes, cut anywhere. */
export type Inside = {
  take(chunk: Uint8Array): void;
  /** What nobody caught, in whatever code of this worker or process. */
  stray(error: unknown): void;
  /** All is loaded: says so, unless it was asked for something by then, which said it. Once. */
  ready(): void;
  /** Whether nothing has come yet. */
  readonly isIdle: boolean;
};

export function runInside(options: InsideOptions): Inside {
  return new InsideActor(options);
}

class InsideActor implements Inside {
  readonly #options: InsideOptions;
  readonly #reader = new FrameReader(MAX_TO_ACTOR_BYTES);
  readonly #outbox: Outbox;
  readonly #ports: InsidePorts;
  readonly #state: StateSender;
  /** Of a durable actor. */
  #durable: InsideDurable | undefined;
  #host: ActorHost | undefined;
  #path = "";
  #isReady = false;
  #beat: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: InsideOptions) {
    this.#options = options;
    this.#outbox = new Outbox(fromActorFrame, options.write);
    this.#ports = new InsidePorts(this.#outbox, () => this.#settle());
    this.#state = new StateSender({
      read: () => this.#host?.lastGoodSnapshot(),
      send: (snapshot) => this.#outbox.pushFirst({ case: "state", value: { snapshot } }),
      tooLarge: (bytes) =>
        this.#ports.log(
          "warn",
          `a state of ${bytes} bytes is not kept: a restart will be from the beginning`,
        ),
    });
  }

  get isIdle(): boolean {
    return !this.#isReady;
  }

  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#options.write(fromActorFrame({ case: "ready", value: {} }));
  }

  take(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.ready();
    for (const frame of this.#reader.push(chunk)) this.#sort(readToActor(frame));
  }

  stray(error: unknown): void {
    if (attributeAsyncFailure(error)) return;
    this.#leave(
      failedExit(
        actorFailure(error, { path: this.#path, origin: "async", event: undefined, intent: undefined }),
      ),
    );
  }

  #sort({ kind }: ToActor): void {
    switch (kind.case) {
      case "start":
        void this.#start(kind.value);
        return;
      case "delivery":
        this.#deliver(kind.value);
        return;
      case "answer":
        this.#ports.answered(kind.value.request, fromOutcome(kind.value.outcome));
        return;
      case "committed":
        this.#durable?.committed();
        return;
      case "taken":
        this.#durable?.taken(kind.value.sequence);
        return;
      case "relayed":
        this.#durable?.relayed(kind.value);
        return;
      case "stop":
        void this.#host?.stop(kind.value.graceMs);
        return;
      default:
    }
  }

  async #start(start: Start): Promise<void> {
    this.#path = start.path;
    try {
      const behaviour = await this.#options.load(start);
      const host = start.durable
        ? this.#startDurable(start, behaviour)
        : await startActor({
            ...partsOf(start, behaviour),
            ports: this.#ports,
            ...(start.snapshot.byteLength === 0 ? {} : { snapshot: readJson(start.snapshot) }),
          });
      this.#cameUp(host, behaviour, start.beatMs);
    } catch (error) {
      this.#leave(startExit(error, start.path));
    }
  }

  #startDurable(start: Start, behaviour: Behaviour): ActorHost {
    const durable = new InsideDurable(this.#outbox, readRefusals(start));
    this.#durable = durable;
    const { succession } = durable;
    const own = this.#ports;
    const ports: ActorPorts = {
      clock: own.clock,
      turns: own.turns,
      succession,
      random: () => own.random(),
      send: (intent) => own.send(intent),
      record: (input) => own.record(input),
    };
    const { codeHash, durableState } = start;
    // Of the node that started it; the host reads its own part with suspicion.
    const state = readJson(durableState) as DurableState | undefined;
    const options = { ...partsOf(start, behaviour), codeHash, durable, ports };
    return startDurableActor(state === undefined ? options : { ...options, state });
  }

  #cameUp(host: ActorHost, { intents, machine, version }: Behaviour, beatMs: number): void {
    this.#host = host;
    this.#state.send();
    const description = jsonBytes({
      intents: describeIntents(intents),
      states: statesOf(machine),
      version,
    });
    this.#outbox.pushFirst({ case: "up", value: { description, state: host.stats().state } });
    this.#outbox.open();
    this.#outbox.flush();
    this.#beat = setInterval(() => {
      this.#outbox.push({ case: "beat", value: {} });
      this.#outbox.flush();
    }, beatMs);
    void host.exited.then((reason) => this.#exited(reason));
  }

  #deliver(message: Extract<ToActor["kind"], { case: "delivery" }>["value"]): void {
    const intent = readDelivery(message, this.#path);
    if (this.#durable !== undefined) {
      const { journaled, refused } = readDurable(message);
      const delivery = this.#ports.delivery(message.number, intent, journaled);
      if (refused !== undefined) this.#durable.refuse(delivery, refused);
      // What it does not take comes again, from the journal.
      this.#host?.deliver(delivery);
      return;
    }
    const delivery = this.#ports.delivery(message.number, intent);
    const taken = this.#host?.deliver(delivery);
    if (taken?.ok !== false) return;
    this.#ports.refuse(message.number, taken.error);
    this.#outbox.flush();
  }

  /** After what was handled: the state, then all that it led to. */
  #settle(): void {
    if (this.#isOver) return;
    this.#state.send();
    this.#outbox.flush();
  }

  #exited(reason: ExitReason): void {
    if (reason.kind !== "normal") this.#state.send(true);
    this.#leave(
      reason.kind === "failed"
        ? failedExit(reason.failure, this.#ports.numberOf(reason.failure.intent?.id))
        : { kind: reason.kind },
    );
  }

  #leave(exit: Exit): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#beat);
    this.#outbox.open();
    this.#outbox.push({ case: "exit", value: exit });
    this.#outbox.flush();
    this.#options.done();
  }
}

type Exit = Extract<Parameters<typeof fromActorFrame>[0], { case: "exit" }>["value"];

function failedExit(failure: Failure, delivery = 0n): Exit {
  const { class: failureClass, name, message, stack = "", origin, event = "" } = failure;
  const { heldEvent, intent: cause } = failure;
  const intent = heldEvent ?? (delivery === 0n ? (cause?.id ?? "") : "");
  const named = heldEvent === undefined ? delivery : 0n;
  const fault = { class: failureClass, name, message, stack, origin, event, delivery: named, intent };
  return { kind: "failed", fault };
}

function startExit(error: unknown, path: string): Exit {
  const coded = asCellError(error);
  const failure: unknown = coded?.details.failure;
  if (isFailure(failure)) return failedExit(failure);
  if (coded !== undefined) return { kind: "failed", error: toStartError(coded) };
  return failedExit(actorFailure(error, { path, origin: "start", event: undefined, intent: undefined }));
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === "object" && value !== null && "rootActor" in value && "class" in value;

const MAX_DURABLE_WAITING = 65_536;
const decoder = new TextDecoder();
const readJson = (bytes: Uint8Array): unknown =>
  bytes.byteLength === 0 ? undefined : parseJson(decoder.decode(bytes));

function partsOf(start: Start, behaviour: Behaviour) {
  const { term = 0n, activation = 0n } = start.incarnation ?? {};
  const incarnation = { term: Number(term), activation: Number(activation) };
  return { spec: specOf(start), behaviour, incarnation, input: readJson(start.input) ?? null };
}

/** What the host needs of a spec; the rest of it stays with the node. */
function specOf({ path, module, export: exported, window, durable }: Start): ActorSpec {
  return {
    kind: "actor",
    path,
    behaviour: { module, export: exported },
    input: null,
    restart: "temporary",
    shutdownMs: 0,
    isolation: "shared",
    durable: false,
    // What a durable actor owes from before counts too.
    mailbox: { bound: durable ? MAX_DURABLE_WAITING : window, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
  };
}
