// A hostile client in a process of its own: sends one kind of message as fast as the broker takes
// them, until it is told to stop. What it sends is signed before, but for intents that must be new
// to be begun: of those it signs as many as it can while it sends, 64 under one signature. When its
// connection is ended it makes another one at once.
import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { HybridClock } from "../src/security/clock/hybrid-clock.ts";
import { buildIntent } from "../src/security/intents/build-intent.ts";
import { SigningKey } from "../src/security/keys/signing-key.ts";
import { createIds } from "../src/security/wire/capsule-id.ts";
import { sealBatch, sealOne } from "../src/security/wire/seal.ts";
import { inboxPrefix, intentSubject } from "../src/transport/subjects.ts";
import { unwrap } from "./bench-trust.ts";
import { connectOpen } from "./open-bus.ts";

/** Whose capsules it sends, or pretends to. */
export type Sender = { readonly principal: string; readonly seed: string };
export type Flood =
  /** New intents that it may send. */
  | "new"
  /** A thousand that it may send, each again and again. */
  | "repeated"
  /** A thousand that nothing allows it to send. */
  | "ungranted"
  | "garbage"
  /** None at all: it works as hard, and sends nothing. What the machine makes of such a process. */
  | "silent"
  /** As garbage, but where nobody listens: what the machine and the broker make of such a flood. */
  | "unheard"
  /** Under the senders' names and keys, with signatures that are none. */
  | "forged";
export type FloodOrder = {
  readonly flood: Flood;
  readonly target: string;
  readonly url: string;
  /** Of the broker, as a creds file has them. */
  readonly creds: string;
  readonly cell: string;
  /** Base64. */
  readonly genesisHash: string;
  readonly senders: readonly Sender[];
};
/** What it wrote to the broker through how many connections, and the milliseconds that this took. */
export type FloodResult = {
  readonly connections: number;
  readonly capsules: number;
  readonly messages: number;
  readonly elapsedMs: number;
};
export type FlooderWord =
  | { readonly kind: "flooding" }
  | { readonly kind: "done"; readonly result: FloodResult }
  | { readonly kind: "failed"; readonly why: string };

type Message = { readonly subject: string; readonly data: Uint8Array; readonly capsules: number };

const MADE_BEFORE = 1_000;
const BATCH = 64;
const BURST = 256;
/** Bursts that the broker has not answered for: it always has one to read. */
const BURSTS_AHEAD = 4;
const DEADLINE_MS = 600_000;

function messagesOf(order: FloodOrder): () => Message {
  const { flood, target, cell, senders } = order;
  if (flood === "new" || flood === "silent") return newIntents(order);
  const made = Array.from({ length: MADE_BEFORE }, (_, index): Message => {
    const { principal } = senderAt(senders, index);
    const subject = flood === "unheard" ? "bench.unheard" : intentSubject(cell, principal, target);
    return { subject, data: randomBytes(300), capsules: 1 };
  });
  const signed =
    flood === "garbage" || flood === "unheard" ? made : made.map((_, index) => one(order, index));
  let at = 0;
  return () => {
    at = (at + 1) % signed.length;
    return signed[at] ?? senderless();
  };
}

function one({ flood, target, cell, genesisHash, senders }: FloodOrder, index: number): Message {
  const { principal, seed } = senderAt(senders, index);
  const key = SigningKey.fromSeed(Buffer.from(seed, "base64"));
  const envelope = sealOne(capsule(cell, principal, target), {
    key,
    // A signature for another cell is as good a forgery as any.
    genesisHash: flood === "forged" ? randomBytes(32) : Buffer.from(genesisHash, "base64"),
  });
  return { subject: intentSubject(cell, principal, target), data: envelope, capsules: 1 };
}

function newIntents({ target, cell, genesisHash, senders }: FloodOrder): () => Message {
  const { principal, seed } = senderAt(senders, 0);
  const sealing = {
    key: SigningKey.fromSeed(Buffer.from(seed, "base64")),
    genesisHash: Buffer.from(genesisHash, "base64"),
  };
  const subject = intentSubject(cell, principal, target);
  let batch = BigInt(Date.now()) * 1000n;
  return () => {
    const capsules = Array.from({ length: BATCH }, () => capsule(cell, principal, target));
    batch += 1n;
    const [data = senderless()] = sealBatch([capsules], sealing, batch);
    return { subject, data, capsules: BATCH };
  };
}

const clock = new HybridClock(Date.now);
const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
const payload = new TextEncoder().encode('{"name":"Mallory"}');

function capsule(cell: string, principal: string, target: string): Uint8Array {
  const intent = {
    target,
    intent: "greet",
    payload,
    contentType: "application/json",
    deadlineUnixMs: Date.now() + DEADLINE_MS,
    replyInbox: `${inboxPrefix(cell, principal)}.flood`,
  };
  return unwrap(buildIntent(intent, maker)).bytes;
}

const senderAt = (senders: readonly Sender[], index: number): Sender =>
  senders[index % senders.length] ?? senderless();

function senderless(): never {
  throw new Error("a flood has a sender");
}

async function flood(order: FloodOrder, first: NatsConnection, stopped: AbortSignal): Promise<FloodResult> {
  const next = messagesOf(order);
  if (order.flood === "silent") return await work(next, stopped);
  const result = { capsules: 0, messages: 0, connections: 1, elapsedMs: 0 };
  say({ kind: "flooding" });
  const startedAt = performance.now();
  let nats: NatsConnection | undefined = first;
  while (!stopped.aborted) {
    if (nats !== undefined) await floodOn(nats, next, result, stopped);
    if (stopped.aborted) break;
    // One that is ended at once may never have stood.
    nats = await connectOpen(order.url, order.creds, { reconnect: false }).catch(() => undefined);
    result.connections += 1;
  }
  return { ...result, elapsedMs: performance.now() - startedAt };
}

async function work(next: () => Message, stopped: AbortSignal): Promise<FloodResult> {
  say({ kind: "flooding" });
  const startedAt = performance.now();
  while (!stopped.aborted) {
    next();
    await nextTurn();
  }
  return { capsules: 0, messages: 0, connections: 1, elapsedMs: performance.now() - startedAt };
}

/** Until it is told to stop, or the connection is ended. */
async function floodOn(
  nats: NatsConnection,
  next: () => Message,
  result: { capsules: number; messages: number },
  stopped: AbortSignal,
): Promise<void> {
  const ahead: Promise<boolean>[] = [];
  while (!stopped.aborted && !nats.isClosed()) {
    for (let left = BURST; left > 0; ) {
      const message = next();
      nats.publish(message.subject, message.data);
      result.capsules += message.capsules;
      result.messages += 1;
      left -= message.capsules;
    }
    ahead.push(isTaken(nats));
    if (ahead.length >= BURSTS_AHEAD && (await ahead.shift()) === false) return;
  }
  await Promise.all(ahead);
}

/** Whether the broker has all that was published; of a connection that is ended nats.js never says it. */
const isTaken = (nats: NatsConnection): Promise<boolean> =>
  Promise.race([
    nats.flush().then(
      () => true,
      () => false,
    ),
    nats.closed().then(() => false),
  ]);

function say(word: FlooderWord): void {
  process.send?.(word);
}

async function main(): Promise<void> {
  process.once("disconnect", () => process.exit());
  const stop = new AbortController();
  process.once("message", (order: FloodOrder) => {
    process.once("message", () => stop.abort());
    connectOpen(order.url, order.creds, { reconnect: false })
      .then((nats) => flood(order, nats, stop.signal))
      .then((result) => say({ kind: "done", result }))
      .catch((error: unknown) => say({ kind: "failed", why: String(error) }));
  });
}

if (process.send !== undefined) await main();
