// The actor host alone: no broker, no signatures.
//   node --expose-gc bench/actors.ts
import { startActor } from "../src/actors/host.ts";
import type { ReceivedIntent } from "../src/actors/intent.ts";
import type { ActorPorts } from "../src/actors/ports.ts";
import { greeter, greeterSpec } from "./greeter.ts";

const INTENTS = 200_000;
const ACTORS = 10_000;

const ports: ActorPorts = {
  send: () => {},
  record: () => {},
  random: Math.random,
  clock: {
    unixMs: Date.now,
    monotonicMs: () => performance.now(),
    setTimer(delayMs, fire) {
      const timer = setTimeout(fire, delayMs);
      return () => clearTimeout(timer);
    },
  },
};

const start = (path: string) =>
  startActor({ spec: greeterSpec(path), behaviour: greeter, incarnation: { term: 1, activation: 1 }, ports });

const payload = new TextEncoder().encode('{"name":"Ada"}');
let lastId = 0;
function received(target: string): ReceivedIntent {
  const id = (++lastId).toString(16).padStart(32, "0");
  const now = Date.now();
  return {
    id,
    rootId: id,
    causeId: "",
    hash: id + id,
    type: "greet",
    principal: "operator",
    source: "",
    epoch: 0,
    target,
    contentType: "application/json",
    payload,
    issuedAtUnixMs: now,
    deadlineUnixMs: now + 5000,
    priority: "normal",
    hopLimit: 8,
    traceparent: "",
    wantsReply: true,
  };
}

async function handle(inFlight: number): Promise<number> {
  const actor = await start("bench/greeter");
  let answered = 0;
  const run = async (total: number): Promise<number> => {
    const done = Promise.withResolvers<void>();
    answered = 0;
    let sent = 0;
    const next = (): void => {
      if (sent++ >= total) return;
      const delivered = actor.deliver({
        intent: received(actor.path),
        respond: () => {
          if (++answered === total) done.resolve();
          else next();
        },
      });
      if (!delivered.ok) throw delivered.error;
    };
    const from = performance.now();
    for (let flight = 0; flight < inFlight; flight++) next();
    await done.promise;
    return performance.now() - from;
  };
  await run(INTENTS / 10);
  const elapsedMs = await run(INTENTS);
  await actor.kill();
  return (elapsedMs * 1000) / INTENTS;
}

function heap(): number {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function idle(): Promise<{ bytes: number; us: number }> {
  const before = heap();
  const from = performance.now();
  const actors = await Promise.all(Array.from({ length: ACTORS }, (_, index) => start(`bench/a-${index}`)));
  const us = ((performance.now() - from) * 1000) / ACTORS;
  const bytes = (heap() - before) / ACTORS;
  await Promise.all(actors.map((actor) => actor.kill()));
  return { bytes, us };
}

const one = await handle(1);
const many = await handle(64);
const { bytes, us } = await idle();
const round = (value: number): number => Number(value.toFixed(1));
process.stdout.write(
  `${JSON.stringify({
    usAnIntentOneInFlight: round(one),
    usAnIntent64InFlight: round(many),
    usAStart: round(us),
    bytesAnIdleActor: Math.round(bytes),
    actors: ACTORS,
  })}\n`,
);
