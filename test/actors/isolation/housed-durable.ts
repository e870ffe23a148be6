// Durable incarnations of one actor of the fixtures under any isolation, with a journal
// and a state stream in memory that outlive each of them.
import type { ActorHost } from "../../../src/actors/actor-host.ts";
import type { DurablePorts, DurableState, OutboxEntry } from "../../../src/actors/durable/ports.ts";
import { startDurableActor } from "../../../src/actors/durable/start-durable-actor.ts";
import type { Delivery, OutgoingIntent, OutgoingReply } from "../../../src/actors/intent.ts";
import { startRemoteDurableActor } from "../../../src/actors/isolation/start-remote.ts";
import { hashBehaviour } from "../../../src/actors/loader/code-files.ts";
import { loadBehaviour } from "../../../src/actors/loader/load-behaviour.ts";
import type { ActorPorts } from "../../../src/actors/ports.ts";
import { MemoryDurability } from "../../../src/actors/testkit/memory-durability.ts";
import { testDelivery } from "../../../src/actors/testkit/test-delivery.ts";
import { systemClock } from "../../../src/supervisor/ports.ts";
import type { EventInput } from "../../../src/telemetry/event.ts";
import { type Answer, type HousedOptions, house, specOf } from "./housed.ts";

let order = 0;

export type HousedDurable = {
  readonly memory: MemoryDurability;
  readonly events: readonly EventInput[];
  /** Each entry of the outbox once. */
  readonly sent: readonly OutboxEntry[];
  host(): ActorHost;
  /** The next incarnation, given all that no commit covers. */
  start(): Promise<ActorHost>;
  /** The answer, of whichever incarnation it comes. */
  ask(type: string, payload?: unknown, timeoutMs?: number): Promise<Answer>;
  deliver(delivery: Delivery): ReturnType<ActorHost["deliver"]>;
};

export type HousedDurableOptions = Omit<HousedOptions, "onSend" | "snapshot" | "house"> & {
  readonly onSend?: (entry: OutboxEntry, onReply: OutgoingIntent["onReply"]) => void;
  readonly succession?: ActorPorts["succession"];
  /** What it goes on from, in place of what was committed. */
  readonly resumed?: (state: DurableState) => DurableState;
  /** In place of some of the ports. */
  readonly ports?: (ports: DurablePorts) => DurablePorts;
};

export async function housedDurable(options: HousedDurableOptions): Promise<HousedDurable> {
  const spec = { ...specOf(options), durable: true };
  const memory = new MemoryDurability();
  const events: EventInput[] = [];
  const sent = new Map<number, OutboxEntry>();
  const { input = null, succession } = options;
  const ports: ActorPorts = {
    send: () => {},
    record: (event) => events.push(event),
    clock: systemClock,
    random: Math.random,
    ...(succession === undefined ? {} : { succession }),
  };
  let activation = 0;
  let host = await start();
  return {
    memory,
    events,
    get sent() {
      return [...sent.values()];
    },
    host: () => host,
    start: async () => {
      host = await start();
      return host;
    },
    ask: (type, payload = {}, timeoutMs = 10_000) =>
      new Promise((resolve) => {
        const values: unknown[] = [];
        const respond = (reply: OutgoingReply): void => {
          if (reply.kind === "value") values.push(reply.value);
          if (reply.kind === "error") resolve({ values, error: reply.error });
          else if (reply.final) resolve({ values, error: undefined });
        };
        const nowUnixMs = Date.now();
        const meta = { type, payload, target: spec.path, nowUnixMs, order: ++order, timeoutMs, respond };
        host.deliver(memory.append(testDelivery(meta)));
      }),
    deliver: (delivery) => host.deliver(delivery),
  };

  async function start(): Promise<ActorHost> {
    const own = memory.ports({
      crash: () => void host.kill(),
      sent: (entry, onReply) => {
        sent.set(entry.sequence, entry);
        options.onSend?.(entry, onReply);
      },
    });
    const durable = options.ports?.(own) ?? own;
    const codeHash = await hashBehaviour(spec.behaviour.module);
    const { state } = memory;
    const given = state === undefined ? {} : { state: options.resumed?.(state) ?? state };
    const incarnation = { term: 1, activation: ++activation };
    const common = { spec, codeHash, incarnation, ports, input, durable, ...given };
    const started =
      spec.isolation === "shared"
        ? startDurableActor({ ...common, behaviour: await loadBehaviour({ ...spec.behaviour, codeHash }) })
        : await startRemoteDurableActor({ ...common, housing: await house().house(spec, codeHash) });
    for (const delivery of memory.undecided()) started.deliver(delivery);
    return started;
  }
}
