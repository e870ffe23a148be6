import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { revisionsStream } from "../../src/transport/streams/revisions-stream.ts";
import { trustStream } from "../../src/transport/streams/trust-stream.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const word = ({ data }: { data: Uint8Array }): string => new TextDecoder().decode(data);
const node = (principal: string) => ({ kind: "node", principal }) as const;

describe("the kernel streams", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker.stop());

  it("are made once when many nodes start at the same time", async () => {
    const connections = await Promise.all(["a", "b", "c", "d"].map((name) => broker.connect(node(name))));
    await Promise.all(
      connections.flatMap((connection) => [
        trustStream(connection, "test").ensure(),
        revisionsStream(connection, "test").ensure(),
      ]),
    );
  });

  it("let one of many writers win each sequence", async () => {
    const connection = await broker.connect(node("a"));
    const revisions = revisionsStream(connection, "test");
    await revisions.ensure();
    const results = await Promise.all(["x", "y", "z"].map((value) => revisions.publish(text(value), 0)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(results.flatMap((result) => (result.ok ? [] : [result.error.code]))).toEqual([
      "BROKER_STREAM_CONFLICT",
      "BROKER_STREAM_CONFLICT",
    ]);
    expect(await revisions.publish(text("next"), 1)).toEqual({ ok: true, value: { sequence: 2 } });
  });

  it("take the same bytes twice as one write", async () => {
    const connection = await broker.connect(node("a"));
    const trust = trustStream(connection, "test");
    await trust.ensure();
    const first = await trust.publish("twice", text("same"), 0);
    expect(await trust.publish("twice", text("same"), 0)).toEqual(first);
  });

  it("keep the newest certificates of each principal, in order", async () => {
    const connection = await broker.connect(node("a"));
    const trust = trustStream(connection, "test");
    await trust.ensure();
    const first = await trust.publish("kept", text("one"), 0);
    if (!first.ok) throw first.error;
    await trust.publish("kept", text("two"), first.value.sequence);
    const read: string[] = [];
    await using follower = trust.follow({
      accept: (record) => {
        if (record.subject.endsWith(".kept")) read.push(word(record));
      },
    });
    await follower.caughtUp;
    expect(read).toEqual(["one", "two"]);
    expect(await trust.last("kept")).toMatchObject({
      subject: "cell0.v1.test.trust.kept",
      data: text("two"),
    });
    expect(await trust.last("nobody")).toBeUndefined();
  });

  it("go on after a record that is refused", async () => {
    const connection = await broker.connect(node("a"));
    const trust = trustStream(connection, "test");
    await trust.ensure();
    const problems: CellError[] = [];
    const read: string[] = [];
    await using follower = trust.follow({
      accept: (record) => {
        if (word(record) === "forged") throw new TypeError("forged");
        read.push(word(record));
      },
      onProblem: (error) => problems.push(error),
    });
    await follower.caughtUp;
    await trust.publish("mallory", text("forged"), 0);
    await trust.publish("alice", text("honest"), 0);
    await vi.waitFor(() => expect(read.at(-1)).toBe("honest"));
    expect(problems.map(({ code }) => code)).toEqual(["BROKER_HANDLER_FAILED"]);
  });

  it("are caught up at once when empty, and reject that when stopped before", async () => {
    await using other = await startBroker();
    const trust = trustStream(await other.connect(node("a")), "test");
    await using early = trust.follow({ accept: () => undefined });
    await early.stop();
    await expect(early.caughtUp).rejects.toMatchObject({ code: "BROKER_CLOSED" });
    await trust.ensure();
    await using follower = trust.follow({ accept: () => undefined });
    await follower.caughtUp;
  });

  it("are refused when somebody else made them without protection", async () => {
    await using other = await startBroker();
    const connection = await other.connect(node("a"));
    const manager = await jetstreamManager(connection.nats);
    await manager.streams.add({ name: "CELL0_test_TRUST", subjects: ["cell0.v1.test.trust.>"] });
    await expect(trustStream(connection, "test").ensure()).rejects.toMatchObject({
      code: "BROKER_STREAM_FOREIGN",
    });
  });
});

describe("following a stream across restarts of the broker", () => {
  it("gives each record once and in order", async () => {
    await using broker = await startBroker();
    const connection = await broker.connect(node("a"));
    const revisions = revisionsStream(connection, "test");
    await revisions.ensure();
    const read: number[] = [];
    await using follower = revisions.follow({
      accept: (record) => {
        read.push(Number(word(record)));
      },
    });
    await follower.caughtUp;
    let written = 0;
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 20; n += 1) {
        const result = await revisions.publish(text(String(written + 1)), written);
        if (!result.ok) throw result.error;
        written += 1;
      }
      await broker.kill();
      await broker.start();
      await vi.waitFor(() => expect(connection.isConnected()).toBe(true), { timeout: 5000 });
    }
    await vi.waitFor(() => expect(read).toHaveLength(written), { timeout: 5000 });
    expect(read).toEqual(Array.from({ length: written }, (_, index) => index + 1));
    const restarted = performance.now();
    await revisions.publish(text("61"), written);
    await vi.waitFor(() => expect(read).toHaveLength(61), { timeout: 5000, interval: 1 });
    expect(performance.now() - restarted).toBeLessThan(2000);
  });

  it("says so when the broker has lost what was read, and reads again", async () => {
    await using broker = await startBroker();
    const connection = await broker.connect(node("a"));
    const revisions = revisionsStream(connection, "test");
    await revisions.ensure();
    for (const [index, value] of ["1", "2", "3"].entries()) await revisions.publish(text(value), index);
    const read: string[] = [];
    const rollbacks: unknown[] = [];
    await using follower = revisions.follow({
      accept: (record) => {
        read.push(word(record));
      },
      onRolledBack: (state) => rollbacks.push(state),
    });
    await follower.caughtUp;
    await broker.kill();
    await broker.wipe();
    await broker.start();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(true), { timeout: 5000 });
    await vi.waitFor(() => revisions.ensure(), { timeout: 5000 });
    await revisions.publish(text("again"), 0);
    await vi.waitFor(() => expect(read.at(-1)).toBe("again"), { timeout: 5000 });
    expect(rollbacks).toEqual([{ lastSequence: expect.any(Number), readSequence: 3 }]);
  });
});
