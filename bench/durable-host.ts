// The host of a durable actor alone: microseconds an intent with a commit that is kept at
// once, beside the same behaviour volatile. No broker, no signatures.
//   npm run bench -- durable-host
import type { ActorHost } from "../src/actors/actor-host.ts";
import type { DurablePorts } from "../src/actors/durable/ports.ts";
import { startDurableActor } from "../src/actors/durable/start-durable-actor.ts";
import { startActorNow } from "../src/actors/host.ts";
import type { Delivery } from "../src/actors/intent.ts";
import { testDelivery } from "../src/actors/testkit/test-delivery.ts";
import { systemClock } from "../src/supervisor/ports.ts";
import { greeter, greeterSpec } from "./greeter.ts";

const INTENTS = 40_000;
const WARM_UP = 5_000;
const ACTOR = "bench/actor";

let commits = 0;
const durable: DurablePorts = {
  commit: async () => {
    commits += 1;
    return { ok: true, value: undefined };
  },
  relay: (_entry, done) => done(),
  responder: () => () => {},
};
const common = {
  behaviour: greeter,
  incarnation: { term: 1, activation: 1 },
  ports: { send: () => {}, record: () => {}, random: Math.random, clock: systemClock },
};

/** Microseconds an intent, with `inFlight` unanswered at a time. */
async function measure(host: ActorHost, inFlight: number): Promise<number> {
  let order = 0;
  const round = async (count: number): Promise<void> => {
    let left = count;
    let given = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const give = (): void => {
      given += 1;
      host.deliver(deliveryOf(++order, answered));
    };
    const answered = (): void => {
      left -= 1;
      if (left === 0) resolve();
      else if (given < count) give();
    };
    for (let each = 0; each < inFlight; each++) give();
    await promise;
  };
  await round(WARM_UP);
  const before = performance.now();
  await round(INTENTS);
  const us = ((performance.now() - before) * 1000) / INTENTS;
  await host.kill();
  return us;
}

function deliveryOf(order: number, respond: () => void): Delivery {
  const made = testDelivery({
    type: "greet",
    payload: { name: "Ada" },
    target: ACTOR,
    nowUnixMs: Date.now(),
    order,
    timeoutMs: 60_000,
    respond,
  });
  return { ...made, journaled: { position: order, returnAddress: "caller" } };
}

export async function run(): Promise<void> {
  for (const inFlight of [1, 64]) {
    const volatile = await measure(startActorNow({ ...common, spec: greeterSpec(ACTOR) }), inFlight);
    commits = 0;
    const host = startDurableActor({ ...common, spec: greeterSpec(ACTOR, true), codeHash: "", durable });
    const kept = await measure(host, inFlight);
    const aCommit = (INTENTS + WARM_UP) / commits;
    console.log(
      `${String(inFlight).padStart(2)} in flight  volatile ${volatile.toFixed(1)} us, durable ${kept.toFixed(1)} us an intent, ${aCommit.toFixed(1)} intents a commit`,
    );
  }
}
