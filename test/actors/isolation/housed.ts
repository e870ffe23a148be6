// Starts one actor of the fixtures under any isolation, with recorded sends and events.
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActorHost } from "../../../src/actors/actor-host.ts";
import { startActor } from "../../../src/actors/host.ts";
import type { OutgoingIntent, OutgoingReply } from "../../../src/actors/intent.ts";
import { createIsolation, type Isolation } from "../../../src/actors/isolation/isolation.ts";
import { startRemoteActor } from "../../../src/actors/isolation/start-remote.ts";
import { hashBehaviour } from "../../../src/actors/loader/code-files.ts";
import { loadBehaviour } from "../../../src/actors/loader/load-behaviour.ts";
import type { ActorPorts } from "../../../src/actors/ports.ts";
import type { SuccessionPort } from "../../../src/actors/succession.ts";
import { testDelivery } from "../../../src/actors/testkit/test-delivery.ts";
import type { CellError } from "../../../src/errors/cell-error.ts";
import type { ActorSpec, Isolation as IsolationName } from "../../../src/manifest/graph.ts";
import { systemClock } from "../../../src/supervisor/ports.ts";
import type { EventInput } from "../../../src/telemetry/event.ts";

export const FIXTURES = join(import.meta.dirname, "behaviours");

export type Answer = { readonly values: readonly unknown[]; readonly error: CellError | undefined };

export type Housed = {
  readonly host: ActorHost;
  readonly sent: readonly OutgoingIntent[];
  readonly events: readonly EventInput[];
  /** All replies up to the final one; a refusal at the door is its error too. */
  ask(type: string, payload?: unknown, timeoutMs?: number): Promise<Answer>;
};

export type HousedOptions = {
  readonly isolation: IsolationName;
  readonly spec?: Partial<ActorSpec>;
  readonly input?: unknown;
  readonly snapshot?: unknown;
  readonly house?: Isolation;
  /** What becomes of the intents that it sends. */
  readonly onSend?: (intent: OutgoingIntent) => void;
  readonly succession?: SuccessionPort;
};

let order = 0;
let activation = 0;
let ownHouse: Isolation | undefined;
const codeRoot = join(tmpdir(), `cell0-code-test-${process.pid}`);

/** One for all tests of a file. */
export function house(): Isolation {
  ownHouse ??= createIsolation(codeRoot);
  return ownHouse;
}

/** After all tests of a file. */
export async function closeHouse(): Promise<void> {
  await ownHouse?.close();
  await rm(codeRoot, { recursive: true, force: true });
}

export async function housed(options: HousedOptions): Promise<Housed> {
  const sent: OutgoingIntent[] = [];
  const events: EventInput[] = [];
  const spec = specOf(options);
  const ports: ActorPorts = {
    send(intent) {
      sent.push(intent);
      options.onSend?.(intent);
    },
    record: (event) => events.push(event),
    clock: systemClock,
    random: Math.random,
    ...(options.succession === undefined ? {} : { succession: options.succession }),
  };
  const incarnation = { term: 1, activation: ++activation };
  const { input = null, snapshot } = options;
  const host = await start();
  return {
    host,
    sent,
    events,
    ask: (type, payload = {}, timeoutMs = 5_000) =>
      new Promise((resolve) => {
        const values: unknown[] = [];
        const respond = (reply: OutgoingReply): void => {
          if (reply.kind === "value") values.push(reply.value);
          if (reply.kind === "error") resolve({ values, error: reply.error });
          else if (reply.final) resolve({ values, error: undefined });
        };
        const delivery = testDelivery({
          type,
          payload,
          target: spec.path,
          nowUnixMs: Date.now(),
          order: ++order,
          timeoutMs,
          respond,
        });
        const taken = host.deliver(delivery);
        if (!taken.ok) resolve({ values, error: taken.error });
      }),
  };

  async function start(): Promise<ActorHost> {
    const given = snapshot === undefined ? {} : { snapshot };
    const codeHash = await hashBehaviour(spec.behaviour.module);
    if (spec.isolation === "shared") {
      const behaviour = await loadBehaviour({ ...spec.behaviour, codeHash });
      return await startActor({ spec, behaviour, incarnation, ports, input, ...given });
    }
    const housing = await (options.house ?? house()).house(spec, codeHash);
    return await startRemoteActor({ spec, codeHash, incarnation, ports, housing, input, ...given });
  }
}

export function specOf({ isolation, spec = {} }: Pick<HousedOptions, "isolation" | "spec">): ActorSpec {
  return {
    kind: "actor",
    path: "test/desk",
    behaviour: { module: join(FIXTURES, "desk.ts"), export: "desk" },
    input: null,
    restart: "permanent",
    shutdownMs: 1000,
    isolation,
    durable: false,
    mailbox: { bound: 100, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
    ...spec,
  };
}
