// How many requests a second a node answers of which each is signed with another one of 1,000 keys,
// so that none shares its signature with another: beside how many signatures one core verifies when
// it does nothing else. Capsules are signed before the clock starts, and the replies read after it.
import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { readCellKeys } from "../src/cli/cell-keys.ts";
import { dataDir } from "../src/runtime/data-dir.ts";
import { HybridClock } from "../src/security/clock/hybrid-clock.ts";
import { buildIntent } from "../src/security/intents/build-intent.ts";
import { createIds } from "../src/security/wire/capsule-id.ts";
import { decodeCapsule } from "../src/security/wire/decode-capsule.ts";
import { decodeEnvelope } from "../src/security/wire/envelope.ts";
import { type Sealing, sealOne } from "../src/security/wire/seal.ts";
import { inboxPrefix, intentSubject } from "../src/transport/subjects.ts";
import type { BenchCell } from "./bench-cell.ts";
import { unwrap } from "./bench-trust.ts";
import { heading, line, median, rate, spread } from "./figures.ts";
import { type CertifiedClient, certifyClients, type OpenBus, openBus } from "./open-bus.ts";
import { cpuOf } from "./process-cpu.ts";

const CLIENTS = 1_000;
/** Signed in about two seconds, answered in about two: within the 30 s of freshness. */
const REQUESTS = 15_000;
const IN_FLIGHT = 256;
const ROUNDS = 5;
const WARM_UP_ROUNDS = 2;
/** What the issue aims at. */
const AIM = 0.7;

type Prepared = { readonly subject: string; readonly envelope: Uint8Array; readonly reply: string };

export async function measureManyClients(cell: BenchCell): Promise<void> {
  const { maker } = await readCellKeys(dataDir(cell.dataDir));
  const clients = await certifyClients(cell, CLIENTS);
  const bus = await openBus(cell);
  try {
    const rounds: Round[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
      const ceiling = verificationsASecond();
      const prepared = prepare(clients, maker.config.cell, maker.genesis.hash);
      const run = await answer(bus, prepared, cell);
      if (round >= WARM_UP_ROUNDS) rounds.push({ ...run, ceiling });
    }
    print(rounds);
  } finally {
    await bus.nats.close();
  }
}

/** Signatures of as many keys, each parsed before, on this core alone. */
function verificationsASecond(): number {
  const message = randomBytes(98);
  const signed = Array.from({ length: CLIENTS }, () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    return {
      key: createPublicKey(publicKey.export({ format: "pem", type: "spki" })),
      signature: sign(null, message, privateKey),
    };
  });
  const startedAt = performance.now();
  let count = 0;
  for (; performance.now() - startedAt < 1_000; count += 1) {
    const each = signed[count % signed.length];
    if (each === undefined || !verify(null, message, each.key, each.signature)) throw new Error("not valid");
  }
  return count / ((performance.now() - startedAt) / 1000);
}

function prepare(
  clients: readonly CertifiedClient[],
  cell: string,
  genesisHash: Uint8Array,
): readonly Prepared[] {
  const clock = new HybridClock(Date.now);
  const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
  const payload = new TextEncoder().encode('{"name":"Ada"}');
  return Array.from({ length: REQUESTS }, (_, index) => {
    const client = clients[index % clients.length];
    if (client === undefined) throw new Error("no clients");
    const { principal, key } = client;
    const sealing: Sealing = { key, genesisHash };
    const reply = `${inboxPrefix(cell, principal)}.bench`;
    const intent = {
      target: "hello/greeter",
      intent: "greet",
      payload,
      contentType: "application/json",
      deadlineUnixMs: Date.now() + 60_000,
      replyInbox: reply,
    };
    const envelope = sealOne(unwrap(buildIntent(intent, maker)).bytes, sealing);
    return { subject: intentSubject(cell, principal, intent.target), envelope, reply };
  });
}

type Cpu = { readonly node: number; readonly load: number; readonly broker: number };
/** Requests a second, and what each process used of a core meanwhile. */
type Run = { readonly perSecond: number; readonly cores: Cpu };
type Round = Run & { readonly ceiling: number };

/** Sends them with so many unanswered, and makes sure that each is answered with a value. */
async function answer({ nats }: OpenBus, prepared: readonly Prepared[], cell: BenchCell): Promise<Run> {
  const pids = { ...(await cell.pids()), load: process.pid };
  const heard: Uint8Array[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const send = () => {
    const next = prepared[sent];
    if (next === undefined) return;
    sent += 1;
    nats.publish(next.subject, next.envelope, { reply: next.reply });
  };
  const subscription = nats.subscribe("cell0.v1.*.inbox.*.bench", {
    callback: (error, { data }) => {
      if (error !== null) return reject(error);
      heard.push(data);
      const count = unwrap(decodeEnvelope(data)).capsules.length;
      answered += count;
      for (let each = 0; each < count; each += 1) send();
      if (answered >= prepared.length) resolve();
    },
  });
  await nats.flush();
  const before = await cpuOf(pids);
  const startedAt = performance.now();
  for (let each = 0; each < IN_FLIGHT; each += 1) send();
  await promise;
  const elapsedMs = performance.now() - startedAt;
  const after = await cpuOf(pids);
  subscription.unsubscribe();
  requireValues(heard);
  const cores = (name: string) =>
    ((after[name] ?? Number.NaN) - (before[name] ?? Number.NaN)) / 1000 / elapsedMs;
  return {
    perSecond: prepared.length / (elapsedMs / 1000),
    cores: { node: cores("node"), load: cores("load"), broker: cores("broker") },
  };
}

function requireValues(heard: readonly Uint8Array[]): void {
  for (const data of heard) {
    for (const bytes of unwrap(decodeEnvelope(data)).capsules) {
      const { reply } = unwrap(decodeCapsule(bytes));
      if (reply?.error !== undefined) throw new Error(`a request was refused: ${reply.error.code}`);
    }
  }
}

function print(rounds: readonly Round[]): void {
  heading(
    `${CLIENTS.toLocaleString("en")} clients with a key each: median of ${ROUNDS} rounds of ${REQUESTS.toLocaleString("en")} requests, ${IN_FLIGHT} in flight, each with a signature of its own`,
  );
  const rates = rounds.map(({ perSecond }) => perSecond);
  const ceilings = rounds.map(({ ceiling }) => ceiling);
  const ratio = median(rounds.map(({ perSecond, ceiling }) => perSecond / ceiling));
  line("signed requests answered by one node", `${rate(median(rates))} (${spread(rates, rate)})`);
  line(
    "Ed25519 verifications of one core alone",
    `${rate(median(ceilings))} (${spread(ceilings, rate)}), each before its round`,
  );
  line("  ratio of the same round", `x${ratio.toFixed(2)}, aim x${AIM}: ${ratio >= AIM ? "held" : "MISSED"}`);
  const ofCore = median(rounds.map(({ perSecond, cores, ceiling }) => perSecond / cores.node / ceiling));
  line("  ratio for the processor time that the node had", `x${ofCore.toFixed(2)}`);
  const share = (name: keyof Cpu) => median(rounds.map(({ cores }) => cores[name])).toFixed(2);
  line(
    "  cores in use meanwhile",
    `node ${share("node")}, broker ${share("broker")}, load ${share("load")} (signed before, replies read after)`,
  );
}
