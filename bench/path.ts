// What one intent costs a client and a node, in one process and without a broker: the
// whole way, batch by batch, from the client's signature to the reply in its hands. The tenth
// percentile of many rounds, so that a busy machine matters little.
//   npm run bench -- path

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startActorNow } from "../src/actors/host.ts";
import type { PlacedGraph } from "../src/manifest/graph.ts";
import { dataDir } from "../src/runtime/data-dir.ts";
import { Watched } from "../src/runtime/links.ts";
import { openMessaging } from "../src/runtime/messaging.ts";
import { openNodeTelemetry } from "../src/runtime/node-telemetry.ts";
import { openReplayGuard } from "../src/runtime/replay-guard.ts";
import { RunningActors } from "../src/runtime/running-actors.ts";
import { SuccessionDesk } from "../src/runtime/succession-desk.ts";
import { NOTHING_GRANTED } from "../src/security/intake/authority.ts";
import { createIds } from "../src/security/wire/capsule-id.ts";
import { systemClock } from "../src/supervisor/ports.ts";
import { encodePayload } from "../src/transport/client/payload.ts";
import { Requester } from "../src/transport/client/requester.ts";
import type { BrokerConnection, BrokerMessage } from "../src/transport/connection.ts";
import { makeBenchCell, noCapabilities } from "./bench-trust.ts";
import { heading, line } from "./figures.ts";
import { greeter, greeterSpec } from "./greeter.ts";

const ROUNDS = 300;
const TARGET = "hello/greeter";

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-path-"));
  try {
    const world = openWorld(folder);
    for (const batch of [1, 16, 64]) await measure(world, batch);
    await world.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type World = ReturnType<typeof openWorld>;

type Parts = { send: number; node: number; open: number };

async function measure(world: World, batch: number): Promise<void> {
  const rounds = batch === 1 ? ROUNDS * 10 : ROUNDS;
  const samples: Parts[] = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await oneRound(world, batch));
  const us = (part: keyof Parts) => {
    const sorted = samples
      .slice(rounds / 3)
      .map((sample) => sample[part])
      .sort((a, b) => a - b);
    const typical = sorted[Math.floor(sorted.length / 10)] ?? Number.NaN;
    return `${((typical * 1000) / batch).toFixed(1)} us`;
  };
  heading(`${batch} at a time: microseconds for each`);
  line("  client: build, sign, publish", us("send"));
  line("  node: judge, apply, record, sign, publish", us("node"));
  line("  client: verify, read", us("open"));
}

async function oneRound({ client, node, requester }: World, batch: number): Promise<Parts> {
  let answered = 0;
  const onEnd = (error: unknown) => {
    if (error !== undefined) throw error;
    answered += 1;
  };
  const spent = { send: 0, node: 0, open: 0 };
  spent.send = await msOf(async () => {
    for (let each = 0; each < batch; each += 1) {
      const { payload, contentType } = encodePayload({ name: "Ada" });
      const intent = { target: TARGET, intent: "greet", payload, contentType, timeoutMs: 30_000 };
      requester.open(intent, { onReply: () => {}, onEnd });
    }
    await turn();
  });
  spent.node = await msOf(async () => {
    node.hear(client.take());
    await turn();
  });
  for (;;) {
    const left = node.take();
    spent.open += await msOf(async () => client.hear(left));
    if (answered === batch) return spent;
    spent.node += await msOf(turn);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function msOf(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function openWorld(folder: string) {
  const { cell, genesis, trust, clock, nodeKey, clientKey } = makeBenchCell();
  const client = new Loopback();
  const node = new Loopback();
  const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
  const dir = dataDir(folder);
  const config = {
    version: 1,
    cell,
    node: "a",
    broker: { url: "nats://127.0.0.1:1", embedded: false },
  } as const;
  const telemetry = openNodeTelemetry({ dir, config, clock, observe: () => {} });
  telemetry.begin({ forgetting: true });
  telemetry.publishOn(node.connection, cell);
  const fault = (error: Error) => {
    throw error;
  };
  const replay = openReplayGuard(dir, Date.now() - 1_000, fault);
  const actors = new RunningActors();
  const messaging = openMessaging({
    config,
    startedAtUnixMs: Date.now(),
    sealing: { key: nodeKey, genesisHash: genesis.hash },
    maker,
    clock,
    connection: node.connection,
    trust,
    authority: {
      placementOf: (path) => (path === TARGET ? "a" : undefined),
      actorGrants: () => NOTHING_GRANTED,
      clientGrants: () => [],
      currentEpoch: () => 0,
      capabilities: noCapabilities,
      resources: { priceOf: () => 0, isKept: () => false, childLimits: () => undefined },
    },
    replay,
    secondOpinion: () => undefined,
    actors,
    whyNot: () => undefined,
    tracing: telemetry.tracing,
    record: telemetry.record,
    onProblem: fault,
  });
  messaging.serve({
    placed: new Watched<PlacedGraph>({ roots: [], clients: [], placed: {} }),
    firstNode: () => "a",
  });
  const spec = greeterSpec(TARGET);
  const incarnation = { term: 1, activation: 1 };
  const succession = new SuccessionDesk({ clock: systemClock, bury: () => {}, record: telemetry.record });
  const host = startActorNow({
    spec,
    behaviour: greeter,
    incarnation,
    ports: {
      send: () => {},
      record: telemetry.record,
      clock: systemClock,
      random: Math.random,
      succession: succession.portFor(TARGET, incarnation, () => 2),
    },
  });
  actors.add(spec, host);
  const requester = new Requester({
    connection: client.connection,
    cell,
    principal: "ada",
    key: clientKey,
    trust: { genesisHash: genesis.hash, byKey: (key, now) => trust.byKey(key, now) },
    maker,
    instance: "x",
    onProblem: fault,
  });
  return {
    client,
    node,
    requester,
    async close() {
      requester.close();
      await host.kill();
      await messaging.close();
      await telemetry.close();
    },
  };
}

/** A connection whose other end is the bench. */
class Loopback {
  #handlers: {
    readonly matches: (subject: string) => boolean;
    readonly handler: (message: BrokerMessage) => void;
  }[] = [];
  #sent: BrokerMessage[] = [];
  readonly connection = {
    publish: (subject: string, data: Uint8Array, reply?: string) => {
      if (!subject.includes(".events."))
        this.#sent.push({ subject, data, ...(reply === undefined ? {} : { reply }) });
    },
    subscribe: (subject: string, handler: (message: BrokerMessage) => void) => {
      const prefix = subject.replace(/[>*].*$/, "");
      this.#handlers.push({ matches: (each) => each.startsWith(prefix), handler });
      return { subject, closed: new Promise(() => {}), unsubscribe: () => {}, drain: async () => {} };
    },
    isConnected: () => true,
    onStatus: () => () => {},
    flush: async () => {},
  } as unknown as BrokerConnection;

  take(): readonly BrokerMessage[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  hear(messages: readonly BrokerMessage[]): void {
    for (const message of messages) {
      for (const { matches, handler } of this.#handlers) if (matches(message.subject)) handler(message);
    }
  }
}
