// One side of a request and its reply, in a process of its own: an actor's client, or the same
// call over NATS alone or in Moleculer, unsigned. Started by peers.ts, which tells it when to ask.
//   node bench/contender.ts respond|call NAME WHERE [CAPABILITY, base64url]
import { connect as connectNats } from "@nats-io/transport-node";
import { ServiceBroker } from "moleculer";
import { connect } from "../src/client.ts";

export type RunOrder = { readonly concurrency: number; readonly durationMs: number };
export type RunResult = {
  readonly count: number;
  readonly elapsedMs: number;
  /** Of each request; of the first 100,000. */
  readonly samplesMs: readonly number[];
};
export type ContenderWord =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: RunResult }
  | { readonly kind: "failed"; readonly why: string };

const GREET = "greeter.greet";
const TIMEOUT_MS = 10_000;
const MAX_SAMPLES = 100_000;

type Asked = { readonly name: string };
type Answer = { readonly text: string; readonly count: number };
type Ask = () => Promise<unknown>;

/** What the greeter of the example does. */
function greeter(): (asked: Asked) => Answer {
  let count = 0;
  return ({ name }) => {
    count += 1;
    return { text: `Hello, ${name}!`, count };
  };
}

const moleculer = (nodeID: string, url: string) =>
  new ServiceBroker({
    nodeID,
    transporter: { type: "NATS", options: { url } },
    logger: false,
    requestTimeout: TIMEOUT_MS,
  });

const responders: Readonly<Record<string, (url: string) => Promise<void>>> = {
  async nats(url) {
    const nats = await connectNats({ servers: url, noAsyncTraces: true });
    const greet = greeter();
    nats.subscribe(GREET, {
      callback: (error, message) => {
        if (error !== null) throw error;
        message.respond(JSON.stringify(greet(message.json<Asked>())));
      },
    });
    await nats.flush();
  },
  async moleculer(url) {
    const broker = moleculer("responder", url);
    const greet = greeter();
    broker.createService({
      name: "greeter",
      actions: { greet: (context: { readonly params: Asked }) => greet(context.params) },
    });
    await broker.start();
  },
};

const callers: Readonly<Record<string, (where: string, capability: string) => Promise<Ask>>> = {
  async nats(url) {
    const nats = await connectNats({ servers: url, noAsyncTraces: true });
    return async () => {
      const reply = await nats.request(GREET, JSON.stringify({ name: "Ada" }), { timeout: TIMEOUT_MS });
      return reply.json();
    };
  },
  async moleculer(url) {
    const broker = moleculer("caller", url);
    await broker.start();
    await broker.waitForServices("greeter", TIMEOUT_MS);
    return () => broker.call(GREET, { name: "Ada" });
  },
  async cell0(identity, capability) {
    const client = await connect({ identity });
    const options = {
      timeoutMs: TIMEOUT_MS,
      ...(capability === "" ? {} : { capability: new Uint8Array(Buffer.from(capability, "base64url")) }),
    };
    return () => client.request("hello/greeter", "greet", { name: "Ada" }, options);
  },
};

/** So many at a time, each asking again as soon as it is answered. */
async function runFor(ask: Ask, { concurrency, durationMs }: RunOrder): Promise<RunResult> {
  const samplesMs: number[] = [];
  let count = 0;
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  const one = async (): Promise<void> => {
    for (let from = performance.now(); from < until; ) {
      await ask();
      const now = performance.now();
      count += 1;
      if (samplesMs.length < MAX_SAMPLES) samplesMs.push(now - from);
      from = now;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return { count, elapsedMs: performance.now() - startedAt, samplesMs };
}

function say(word: ContenderWord): void {
  process.send?.(word);
}

function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = table[name];
  if (found === undefined) throw new Error(`one of ${Object.keys(table).join(", ")}, not ${name}`);
  return found;
}

async function main([side = "", name = "", where = "", capability = ""]: readonly string[]): Promise<void> {
  // Ends with whoever started it, however that one ended.
  process.once("disconnect", () => process.exit());
  if (side === "respond") await lookUp(responders, name)(where);
  else {
    const ask = await lookUp(callers, name)(where, capability);
    process.on("message", (order: RunOrder) => {
      runFor(ask, order).then(
        (result) => say({ kind: "done", result }),
        (error: unknown) => say({ kind: "failed", why: String(error) }),
      );
    });
  }
  say({ kind: "ready" });
}

if (process.send !== undefined) await main(process.argv.slice(2));
