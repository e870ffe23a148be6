// Who keeps the broker's door, with a real broker.
import { once } from "node:events";
import { createConnection } from "node:net";
import { fromSeed } from "@nats-io/nkeys";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Doorkeeper, openDoorkeeper } from "../../../src/transport/broker/doorkeeper.ts";
import { FIRST_MS } from "../../../src/transport/broker/exclusions.ts";
import { DOORKEEPER } from "../../../src/transport/broker/permissions.ts";
import { issueDoorkeeper, issueUser } from "../../../src/transport/broker/user.ts";
import {
  type BrokerConnection,
  type ConnectOptions,
  connectBroker,
} from "../../../src/transport/connection.ts";
import {
  allIntents,
  intentSubject,
  stockInboxPrefix,
  trustBundleSubject,
} from "../../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "../broker-fixture.ts";

const SOON = { timeout: 10_000 };

describe("the broker's door", () => {
  let broker: BrokerFixture;
  let creds: string;
  let door: Doorkeeper | undefined;
  beforeAll(async () => {
    broker = await startBroker();
    creds = (await issueDoorkeeper(broker.authority)).creds;
  });
  afterEach(() => door?.close());
  afterAll(() => broker.stop());

  async function keep(maxConnections?: number) {
    const tooMany: string[] = [];
    const keptOut: string[] = [];
    const problems: string[] = [];
    const clock = { ms: 0 };
    const opened = await openDoorkeeper({
      ...{ url: broker.url, creds },
      onTooMany: (principal) => void tooMany.push(principal),
      onKeptOut: (principal) => void keptOut.push(principal),
      onProblem: ({ code }) => void problems.push(code),
      nowMs: () => performance.now() + clock.ms,
      ...(maxConnections === undefined ? {} : { maxConnections }),
    });
    door = opened;
    return { door: opened, clock, tooMany, keptOut, problems };
  }

  /** Counts how often it came back after its connection was ended. */
  async function client(
    principal: string,
    kind: "client" | "operator" | "node" = "client",
    options: Partial<ConnectOptions> = {},
  ) {
    const states = { connected: 0, attempts: [] as number[] };
    const connection = await broker.connect(
      { kind, principal },
      {
        ...options,
        onStatus: (status) => {
          if (status.state === "connected") states.connected += 1;
          if (status.state === "reconnecting") states.attempts.push(status.attempt);
        },
      },
    );
    return { connection, states };
  }

  /** It may be ended before it has come up, too. */
  const triesAgain = (of: { states: { attempts: readonly number[] } }, times = 1) =>
    vi.waitFor(() => expect(of.states.attempts.length).toBeGreaterThanOrEqual(times), SOON);
  const hasConnected = (of: { states: { connected: number } }, times: number) =>
    vi.waitFor(() => expect(of.states.connected).toBeGreaterThanOrEqual(times), SOON);

  it.each(["client", "operator"] as const)(
    "ends what one %s has open, from before it was opened too",
    async (kind) => {
      const [early, other] = [await client("mallory", kind), await client("ann")];
      const { door: keeper } = await keep();
      const late = await client("mallory", kind);
      expect(keeper.keepOut("mallory")).toBe(FIRST_MS);
      for (const each of [early, late]) await triesAgain(each);
      expect(other.states.connected).toBe(1);
      for (const { connection } of [early, late, other]) await connection.close();
    },
  );

  it("ends each connection that he makes until his time is over", async () => {
    const mallory = await client("mallory");
    const { door: keeper, clock } = await keep();
    expect(keeper.keepOut("mallory")).toBe(FIRST_MS);
    await triesAgain(mallory, 3);
    // Later and later, as after so many failures.
    expect(mallory.states.attempts.slice(0, 3)).toEqual([1, 2, 3]);
    clock.ms = FIRST_MS;
    await vi.waitFor(async () => {
      const times = mallory.states.connected;
      await mallory.connection.flush();
      await mallory.connection.flush();
      expect([mallory.connection.isConnected(), mallory.states.connected]).toEqual([true, times]);
      // So long that he would have been ended, and back, again.
      expect(await isHeard(mallory.connection)).toBe(true);
    }, SOON);
    await mallory.connection.close();
  });

  it("keeps no node out", async () => {
    const [node, mallory] = [await client("b", "node"), await client("mallory")];
    const { door: keeper } = await keep();
    keeper.keepOut("b");
    keeper.keepOut("mallory");
    // The broker does in order what it is told.
    await triesAgain(mallory);
    await node.connection.flush();
    expect(node.states.connected).toBe(1);
    for (const { connection } of [node, mallory]) await connection.close();
  });

  it.each([
    ["through one connection", Number.POSITIVE_INFINITY],
    ["through one after the other", 100_000],
  ])(
    "keeps out who sends more than any node could take, though nobody listens: %s",
    async (_, each) => {
      const { keptOut } = await keep();
      const ann = await client("ann");
      const subject = trustBundleSubject("test");
      while (keptOut.length === 0) {
        const nats = await connect({
          servers: broker.url,
          authenticator: credsAuthenticator(
            Buffer.from(await broker.creds({ kind: "client", principal: "mallory" })),
          ),
          reconnect: false,
        });
        for (let sent = 0; sent < each && keptOut.length === 0 && !nats.isClosed(); sent += 10_000) {
          for (let n = 0; n < 10_000; n += 1) nats.publish(subject);
          await Promise.race([nats.flush().catch(() => nats.closed()), nats.closed()]);
        }
        await nats.close();
      }
      expect(keptOut).toEqual(["mallory"]);
      expect(ann.states.connected).toBe(1);
      await ann.connection.close();
    },
    60_000,
  );

  it("ends also who was connected, and had not said who he is, when it asked the broker", async () => {
    const socket = createConnection(Number(new URL(broker.url).port), "127.0.0.1");
    socket.on("error", () => {});
    const closed = once(socket, "close");
    const [greeting] = (await once(socket, "data")) as [Buffer];
    const { door: keeper } = await keep();
    const ann = await client("ann");
    // By now it has its list.
    keeper.keepOut("ann");
    await triesAgain(ann);
    socket.write(await introduction(greeting));
    await once(socket, "data");
    keeper.keepOut("mallory");
    await closed;
    await ann.connection.close();
  });

  it("keeps out who says again and again who he is, and believes nothing of it", async () => {
    const { keptOut, tooMany, problems } = await keep(1);
    const ann = await client("ann");
    const socket = createConnection(Number(new URL(broker.url).port), "127.0.0.1");
    socket.on("error", () => {});
    const closed = once(socket, "close");
    const [greeting] = (await once(socket, "data")) as [Buffer];
    const claims = Buffer.from(JSON.stringify({ name: "ann" })).toString("base64url");
    const forged = { jwt: `x.${claims}.y` };
    socket.write(await introduction(greeting));
    await once(socket, "data");
    socket.write(`CONNECT {}\r\nCONNECT ${JSON.stringify(forged)}\r\nPING\r\n`);
    await closed;
    // Ann's is the one that she may have.
    expect(await isHeard(ann.connection)).toBe(true);
    expect([ann.states.connected, tooMany, problems]).toEqual([1, [], []]);
    expect(keptOut.every((principal) => principal === "mallory")).toBe(true);
    await ann.connection.close();
  });

  it("ends the connections that one client opens beyond its bound, and leaves those that it has", async () => {
    const ann = await client("ann");
    const { tooMany } = await keep(2);
    const [first, second] = [await client("mallory"), await client("mallory")];
    const third = await client("mallory", "client", { firstConnect: "wait" });
    await triesAgain(third, 2);
    expect(new Set(tooMany)).toEqual(new Set(["mallory"]));
    await first.connection.close();
    await vi.waitFor(async () => expect(await isHeard(third.connection)).toBe(true), SOON);
    expect([second.states.connected, ann.states.connected]).toEqual([1, 1]);
    for (const { connection } of [second, third, ann]) await connection.close();
  });

  it("knows who is connected after the broker was killed, and ends nobody else", async () => {
    const [mallory, ann] = [await client("mallory"), await client("ann")];
    const { door: keeper, problems } = await keep();
    await broker.kill();
    await broker.start();
    for (const each of [mallory, ann]) await hasConnected(each, 2);
    const times = mallory.states.attempts.length;
    expect(keeper.keepOut("mallory")).toBe(FIRST_MS);
    await triesAgain(mallory, times + 1);
    expect([ann.states.connected, problems]).toEqual([2, []]);
    for (const { connection } of [mallory, ann]) await connection.close();
  });

  it("sees and sends nothing of the cell", async () => {
    const node = await broker.connect({ kind: "node", principal: "a" });
    const heard: string[] = [];
    node.subscribe(allIntents("test"), ({ subject }) => void heard.push(subject));
    await node.flush();
    const refused = new Set<string>();
    const keeper = await connectBroker({
      ...{ url: broker.url, creds, name: "test", inboxPrefix: stockInboxPrefix(DOORKEEPER) },
      onProblem: ({ code, message }) => void refused.add(`${code} ${message}`),
    });
    const subject = intentSubject("test", "alice", "hello/greeter");
    keeper.publish(subject, new Uint8Array([1]));
    for (const order of ["RELOAD", "LDM", "PROFILEZ"])
      keeper.publish(`$SYS.REQ.SERVER.${"N".repeat(56)}.${order}`, new Uint8Array(), keeper.newInbox());
    expect(await keeper.subscribe(allIntents("test"), () => {}).closed).toMatchObject({
      code: "BROKER_PERMISSION_DENIED",
    });
    await keeper.flush();
    expect([...refused].filter((each) => each.startsWith("BROKER_PERMISSION_DENIED "))).toHaveLength(5);
    await node.flush();
    expect(heard).toEqual([]);
    await keeper.close();
  });

  /** What Mallory says to the broker after its greeting. */
  async function introduction(greeting: Buffer): Promise<string> {
    const { nonce } = JSON.parse(greeting.toString().replace(/^INFO /, "")) as { nonce: string };
    const { authority } = broker;
    const { jwt, seed } = await issueUser({ authority, cell: "test", kind: "client", principal: "mallory" });
    const sig = Buffer.from(fromSeed(Buffer.from(seed)).sign(Buffer.from(nonce))).toString("base64url");
    return `CONNECT ${JSON.stringify({ jwt, sig })}\r\nPING\r\n`;
  }

  /** Whether the broker still has the connection after 200 answers. */
  async function isHeard(connection: BrokerConnection): Promise<boolean> {
    let lost = false;
    const stop = connection.onStatus(({ state }) => {
      if (state !== "connected") lost = true;
    });
    for (let n = 0; n < 200 && !lost && connection.isConnected(); n += 1)
      await connection.flush().catch(() => {});
    stop();
    return !lost && connection.isConnected();
  }
});
