// Dead letters over a real broker: who may write them, and what becomes of them when it
// is away.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { testDelivery } from "../../src/actors/testkit/test-delivery.ts";
import type { CellError } from "../../src/errors/cell-error.ts";
import { type DeadLetters, openDeadLetters } from "../../src/runtime/dead-letters.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { signDeadLetter } from "../../src/security/records/dead-letter.ts";
import type { TrustStore } from "../../src/security/trust/trust-store.ts";
import { systemClock } from "../../src/supervisor/ports.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import type { BrokerConnection } from "../../src/transport/connection.ts";
import { deadLettersStream } from "../../src/transport/streams/deadletters-stream.ts";
import { certify, keyOf, keys, NOW, sealingOf, trustStore } from "../security/cell-fixture.ts";
import { type BrokerFixture, startBroker } from "../transport/broker-fixture.ts";

const WAIT = { timeout: 10_000, interval: 10 };
let broker: BrokerFixture;
let directory: string;
let trust: TrustStore;
let problems: CellError[];
let events: EventInput[];
let opened: DeadLetters[];
let ids = 0;

beforeEach(async () => {
  broker = await startBroker();
  directory = await mkdtemp(join(tmpdir(), "cell0-letters-"));
  const always = { notBeforeUnixMs: 0, notAfterUnixMs: NOW * 2 };
  trust = trustStore([
    certify({ ...always, key: keys.issuer.publicKey, principal: "issuer", kind: "issuer" }, keys.genesis),
    ...[
      { principal: "a", kind: "node", key: keys.nodeA.publicKey } as const,
      { principal: "b", kind: "node", key: keys.nodeB.publicKey } as const,
      { principal: "ann", kind: "client", key: keys.ann.publicKey } as const,
    ].map((claims) => certify({ ...always, ...claims })),
  ]);
  [problems, events, opened] = [[], [], []];
});
afterEach(async () => {
  await Promise.all(opened.map((letters) => letters.stop()));
  await broker.stop();
  await rm(directory, { recursive: true, force: true });
});

const connect = () => broker.connect({ kind: "node", principal: "a" });
function open(connection: BrokerConnection, key: SigningKey = keys.nodeA): DeadLetters {
  const letters = openDeadLetters({
    node: "a",
    stream: deadLettersStream(connection, "test"),
    directory,
    trust,
    sealing: sealingOf(key),
    now: Date.now,
    setTimer: systemClock.setTimer,
    record: (event) => events.push(event),
    onProblem: (error) => problems.push(error),
  });
  connection.onStatus(({ state }) => state === "connected" && letters.connected());
  opened.push(letters);
  return letters;
}
const bury = (letters: DeadLetters, order: number): void => {
  const options = { type: "go", payload: {}, target: "g/x", nowUnixMs: Date.now(), order };
  const delivery = testDelivery({ ...options, respond: () => {} });
  const incarnation = { term: 0, activation: 1 };
  const texts = { name: "Error", message: `death ${order}`, stack: "", origin: "transition" };
  letters.bury({ delivery, deaths: [{ atUnixMs: Date.now(), incarnation, class: "crash", ...texts }] });
};
const messages = (letters: DeadLetters) => letters.list({}).map(({ lastDeath }) => lastDeath.message);
const spooled = async () => (await readdir(directory)).filter((name) => name.endsWith(".letter"));
const lost = () => events.flatMap(({ kind }) => (kind.case === "deadLettered" ? [kind.value.lost] : []));

describe("while the broker is away", () => {
  it("letters wait in files, and are in the stream once each when it is back", async () => {
    const connection = await connect();
    const letters = open(connection);
    bury(letters, 1);
    await vi.waitFor(() => expect(messages(letters)).toEqual(["death 1"]), WAIT);
    await broker.kill();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false), WAIT);
    for (const order of [2, 3, 4]) bury(letters, order);
    await vi.waitFor(async () => expect(await spooled()).toHaveLength(3), WAIT);
    expect(messages(letters)).toEqual(["death 1"]);
    await broker.start();
    await vi.waitFor(() => expect(letters.list({})).toHaveLength(4), WAIT);
    await vi.waitFor(async () => expect(await spooled()).toEqual([]), WAIT);
    const { state } = await info(connection);
    expect(state.messages).toBe(4);
    expect(lost()).toEqual(["", "", "", ""]);
    expect(problems.filter(({ code }) => code === "ACTOR_DEADLETTER_LOST")).toEqual([]);
  });

  it("a letter that is set aside again, by a later process, is the same one", async () => {
    // `npm run chaos -- --minutes 2.5 --seed 13 --every 100` killed the node once the letter was
    // kept, and before its actor had committed that the intent was done with.
    const connection = await connect();
    const first = open(connection);
    bury(first, 1);
    bury(first, 1);
    await vi.waitFor(() => expect(messages(first)).toEqual(["death 1"]), WAIT);
    await first.stop();
    const second = open(connection);
    bury(second, 1);
    bury(second, 2);
    await vi.waitFor(() => expect(messages(second)).toEqual(["death 2", "death 1"]), WAIT);
    await vi.waitFor(async () => expect(await spooled()).toEqual([]), WAIT);
  });

  it("and the directory takes none either, the letter is lost on record", async () => {
    const connection = await connect();
    await rm(directory, { recursive: true });
    await writeFile(directory, "a file in its place");
    const letters = open(connection);
    await broker.kill();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false), WAIT);
    bury(letters, 1);
    await vi.waitFor(() => expect(lost()).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]), WAIT);
    expect(problems.map(({ code }) => code)).toContain("ACTOR_DEADLETTER_LOST");
  });
});

describe("a letter counts by who signed it", () => {
  const record = (message: string, node: string) => {
    const deaths = [
      {
        atUnixMs: 1,
        incarnation: { term: 0, activation: 1 },
        class: "crash",
        ...{ name: "Error", message, stack: "", origin: "transition" },
      },
    ];
    const intent = { id: "", rootId: "", causeId: "", type: "go", principal: "ann", hash: "", epoch: 0 };
    const id = (++ids).toString(16).padStart(32, "0");
    const texts = { source: "", contentType: "", capsule: new Uint8Array(), payload: new Uint8Array() };
    const letter = { id, actor: "g/x", node, setAsideUnixMs: 1, deadlineUnixMs: 1, intent, deaths, ...texts };
    return { kind: "letter", letter } as const;
  };

  it("one of a stranger, of a client, of another node's name, or changed on its way is not listed, and told", async () => {
    const connection = await connect();
    const stream = deadLettersStream(connection, "test");
    await stream.ensure();
    const changed = signDeadLetter(record("changed", "a"), sealingOf(keys.nodeA), 1n);
    changed[40] = (changed[40] ?? 0) ^ 1;
    const all = [
      signDeadLetter(record("of a stranger", "a"), sealingOf(keys.stranger), 1n),
      signDeadLetter(record("of a client", "ann"), sealingOf(keys.ann), 2n),
      changed,
      signDeadLetter(record("of b in the name of a", "a"), sealingOf(keys.nodeB), 3n),
      signDeadLetter(record("honest", "b"), sealingOf(keys.nodeB), 4n),
    ];
    for (const bytes of all) expect(await stream.append("g/x", bytes)).toMatchObject({ ok: true });
    const letters = open(connection);
    await vi.waitFor(() => expect(messages(letters)).toEqual(["honest"]), WAIT);
    expect(problems.map(({ code }) => code)).toEqual(Array(4).fill("ACTOR_DEADLETTER_INVALID"));
  });

  it("after its node's key was rotated the old ones are read on, those that waited go under the new key, and new ones of the old key do not count", async () => {
    const connection = await connect();
    const before = open(connection);
    bury(before, 1);
    await vi.waitFor(() => expect(messages(before)).toEqual(["death 1"]), WAIT);
    await broker.kill();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false), WAIT);
    bury(before, 2);
    await vi.waitFor(async () => expect(await spooled()).toHaveLength(1), WAIT);
    await before.stop();
    const key = keyOf(90);
    const issuedUnixMs = Date.now();
    const next = { principal: "a", kind: "node", key: key.publicKey, generation: 2 } as const;
    trust.add(
      certify({ ...next, notBeforeUnixMs: issuedUnixMs - 60_000, notAfterUnixMs: NOW * 2 }).bytes,
      issuedUnixMs,
    );
    await broker.start();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(true), WAIT);
    const after = open(connection, key);
    await vi.waitFor(() => expect(messages(after)).toEqual(["death 2", "death 1"]), WAIT);
    const first = after.list({}).at(-1);
    expect((await after.show(first?.id ?? "")).deaths).toMatchObject([{ message: "death 1" }]);
    const late = signDeadLetter(record("late", "a"), sealingOf(keys.nodeA), 9n);
    await deadLettersStream(connection, "test").append("g/x", late);
    await vi.waitFor(
      () => expect(problems.map(({ code }) => code)).toContain("ACTOR_DEADLETTER_INVALID"),
      WAIT,
    );
    expect(messages(after)).toEqual(["death 2", "death 1"]);
  });
});

async function info(connection: BrokerConnection) {
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const manager = await jetstreamManager(connection.nats, { checkAPI: false });
  return await manager.streams.info("CELL0_test_DEADLETTERS");
}
