// How long an actor in a worker or process is away: from its kill to the first
// intent that its next incarnation answers, with a spare and without, and what an
// intent costs across the channel. The supervisor's part is not in it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActorHost } from "../src/actors/actor-host.ts";
import { createIsolation, type Isolation } from "../src/actors/isolation/isolation.ts";
import { startRemoteActor } from "../src/actors/isolation/start-remote.ts";
import { hashBehaviour } from "../src/actors/loader/code-files.ts";
import { testDelivery } from "../src/actors/testkit/test-delivery.ts";
import type { ActorSpec } from "../src/manifest/graph.ts";
import { systemClock } from "../src/supervisor/ports.ts";
import { heading, latenciesOf, line, ms, rate } from "./figures.ts";

const TRIALS = Number(process.env.TRIALS ?? 25);
const INTENTS = 5_000;
/** Longer than it takes until a spare is made after one was taken. */
const PAUSE_MS = 1_500;

const BEHAVIOUR = `
import { defineActor, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";
const intents = { count: intent({ reply: z.object({ count: z.number() }) }) };
const machine = setup({}).createMachine({
  context: { count: 0 },
  on: { count: { actions: [assign({ count: ({ context }) => context.count + 1 }), reply(({ context }) => ({ count: context.count }))] } },
});
export const counter = defineActor({ machine, intents });
`;

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-"));
  const module = join(folder, "counter.ts");
  await writeFile(module, BEHAVIOUR);
  const codeHash = await hashBehaviour(module);
  // Where any user may enter, which the folder of the behaviour is not.
  const codeRoot = `${folder}-code`;
  try {
    for (const isolation of ["process", "worker"] as const) {
      const house = createIsolation(codeRoot);
      const start = starter(house, specOf(module, isolation), codeHash);
      heading(isolation);
      const first = await start(undefined);
      line("held by", first.bound ?? "");
      line("from kill to answer, with a spare", await recovery(start, PAUSE_MS));
      line("from kill to answer, without", await recovery(start, 0));
      line("intents, 64 in flight", await throughput(first));
      await first.kill();
      await house.close();
    }
  } finally {
    for (const path of [folder, codeRoot]) await rm(path, { recursive: true, force: true });
  }
}

type Start = (snapshot: unknown) => Promise<ActorHost>;

function starter(house: Isolation, spec: ActorSpec, codeHash: string): Start {
  let activation = 0;
  const ports = { send: () => {}, record: () => {}, clock: systemClock, random: Math.random };
  return async (snapshot) => {
    const incarnation = { term: 1, activation: ++activation };
    const housing = await house.house(spec, codeHash);
    return await startRemoteActor({ spec, codeHash, incarnation, ports, housing, input: null, snapshot });
  };
}

async function recovery(start: Start, pauseMs: number): Promise<string> {
  const samples: number[] = [];
  let actor = await start(undefined);
  await ask(actor);
  for (let trial = 0; trial < TRIALS; trial++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const killedMs = performance.now();
    void actor.kill();
    actor = await start(actor.lastGoodSnapshot());
    await ask(actor);
    samples.push(performance.now() - killedMs);
  }
  await actor.kill();
  const { p50Ms, p99Ms, maxMs } = latenciesOf(samples);
  return `p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}  max ${ms(maxMs)}  (${TRIALS} kills)`;
}

async function throughput(actor: ActorHost): Promise<string> {
  const startedMs = performance.now();
  let left = INTENTS;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (left-- > 0) await ask(actor);
    }),
  );
  return rate((INTENTS / (performance.now() - startedMs)) * 1000);
}

let order = 0;
function ask(actor: ActorHost): Promise<void> {
  return new Promise((resolve, reject) => {
    const delivery = testDelivery({
      type: "count",
      payload: {},
      target: actor.path,
      nowUnixMs: Date.now(),
      order: ++order,
      respond: (reply) => (reply.kind === "error" ? reject(reply.error) : resolve()),
    });
    const taken = actor.deliver(delivery);
    if (!taken.ok) reject(taken.error);
  });
}

function specOf(module: string, isolation: "worker" | "process"): ActorSpec {
  return {
    kind: "actor",
    path: "bench/counter",
    behaviour: { module, export: "counter" },
    input: null,
    restart: "permanent",
    shutdownMs: 1000,
    isolation,
    durable: false,
    mailbox: { bound: 1000, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
  };
}
