// Who keeps the broker's door, with a real broker.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Doorkeeper, openDoorkeeper } from "../../../src/transport/broker/doorkeeper.ts";
import { FIRST_MS } from "../../../src/transport/broker/exclusions.ts";
import { DOORKEEPER } from "../../../src/transport/broker/permissions.ts";
import { issueDoorkeeper } from "../../../src/transport/broker/user.ts";
import { type BrokerConnection, connectBroker } from "../../../src/transport/connection.ts";
import { allIntents, intentSubject, stockInboxPrefix } from "../../../src/transport/subjects.ts";
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
    const problems: string[] = [];
    const clock = { ms: 0 };
    const opened = await openDoorkeeper({
      ...{ url: broker.url, creds },
      onTooMany: (principal) => void tooMany.push(principal),
      onProblem: ({ code }) => void problems.push(code),
      nowMs: () => clock.ms,
      ...(maxConnections === undefined ? {} : { maxConnections }),
    });
    door = opened;
    return { door: opened, clock, tooMany, problems };
  }

  /** Counts how often it came back after its connection was ended. */
  async function client(principal: string, kind: "client" | "operator" | "node" = "client") {
    const states = { connected: 0 };
    const connection = await broker.connect(
      { kind, principal },
      {
        onStatus: ({ state }) => {
          if (state === "connected") states.connected += 1;
        },
      },
    );
    return { connection, states };
  }

  const hasConnected = (of: { states: { connected: number } }, times: number) =>
    vi.waitFor(() => expect(of.states.connected).toBeGreaterThanOrEqual(times), SOON);

  it.each(["client", "operator"] as const)(
    "ends what one %s has open, from before it was opened too",
    async (kind) => {
      const [early, other] = [await client("mallory", kind), await client("ann")];
      const { door: keeper } = await keep();
      const late = await client("mallory", kind);
      await vi.waitFor(() => expect(keeper.keepOut("mallory")).toBeGreaterThanOrEqual(FIRST_MS), SOON);
      for (const each of [early, late]) await hasConnected(each, 2);
      expect(other.states.connected).toBe(1);
      for (const { connection } of [early, late, other]) await connection.close();
    },
  );

  it("ends each connection that he makes until his time is over", async () => {
    const mallory = await client("mallory");
    const { door: keeper, clock } = await keep();
    expect(keeper.keepOut("mallory")).toBe(FIRST_MS);
    await hasConnected(mallory, 4);
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

  it("keeps no node out, and nobody who is not there", async () => {
    const node = await client("b", "node");
    const { door: keeper } = await keep();
    expect([keeper.keepOut("b"), keeper.keepOut("nobody")]).toEqual([undefined, undefined]);
    await node.connection.flush();
    expect(node.states.connected).toBe(1);
  });

  it("ends the connections that one client opens beyond its bound, and leaves those that it has", async () => {
    const ann = await client("ann");
    const { tooMany } = await keep(2);
    const [first, second] = [await client("mallory"), await client("mallory")];
    const third = await client("mallory");
    await hasConnected(third, 3);
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
    const times = mallory.states.connected;
    await vi.waitFor(() => expect(keeper.keepOut("mallory")).toBe(FIRST_MS), SOON);
    await hasConnected(mallory, times + 1);
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

  /** Whether the broker still has the connection after a second. */
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
