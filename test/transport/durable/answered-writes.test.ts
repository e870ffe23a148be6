import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerConnection } from "../../../src/transport/connection.ts";
import { AnsweredWrites } from "../../../src/transport/durable/answered-writes.ts";
import { journalStream } from "../../../src/transport/durable/journal-stream.ts";
import { journalStreamName, journalSubject, stateStreamName } from "../../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "../broker-fixture.ts";

const node = (principal: string) => ({ kind: "node", principal }) as const;
const data = new TextEncoder().encode("x");
const subject = (shard: number): string => journalSubject("test", shard);
const failure = (code: string) => ({ ok: false, error: { code } });

describe("a write that the broker answers", () => {
  let broker: BrokerFixture;
  let connection: BrokerConnection;
  beforeAll(async () => {
    broker = await startBroker();
    connection = await broker.connect(node("a"));
    await journalStream(connection, "test").ensure();
  });
  afterAll(() => broker.stop());
  const writesOf = (through: BrokerConnection, timeoutMs = 5_000) =>
    new AnsweredWrites(through, journalStreamName("test"), timeoutMs);

  it("gets its own answer among many", async () => {
    const writes = writesOf(connection);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, shard) => writes.write({ subject: subject(shard), data, expected: 0 })),
    );
    const sequences = outcomes.map((outcome) => (outcome.ok ? outcome.value : 0));
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
    for (const [shard, sequence] of sequences.entries()) {
      const kept = await journalStream(connection, "test").last(shard);
      expect(kept?.sequence).toBe(sequence);
    }
  });

  it("carries the headers that it is given", async () => {
    const headers = { "Cell0-Pending": "1", "Cell0-Wake-At": "1900000000000" };
    await writesOf(connection).write({ subject: subject(210), data, expected: 0, headers });
    const kept = await journalStream(connection, "test").last(210);
    expect([kept?.header("Cell0-Pending"), kept?.header("Cell0-Wake-At")]).toEqual(["1", "1900000000000"]);
  });

  it("is refused when somebody else has written", async () => {
    const writes = writesOf(connection);
    await writes.write({ subject: subject(211), data, expected: 0 });
    expect(await writes.write({ subject: subject(211), data, expected: 0 })).toMatchObject(
      failure("BROKER_STREAM_CONFLICT"),
    );
  });

  it("is refused by a stream that it is not meant for, and where there is none", async () => {
    const others = new AnsweredWrites(connection, stateStreamName("test"), 5_000);
    expect(await others.write({ subject: subject(212), data, expected: 0 })).toMatchObject(
      failure("BROKER_STREAM_UNAVAILABLE"),
    );
    const nobody = "cell0.v1.test.events.a.node-started";
    expect(await others.write({ subject: nobody, data, expected: 0 })).toMatchObject(
      failure("BROKER_STREAM_UNAVAILABLE"),
    );
  });

  it("fails at once when it may not be published, and when its answer may not be heard", async () => {
    const denied = writesOf(connection).write({ subject: "cell0.v1.test.elsewhere", data, expected: 0 });
    expect(await denied).toMatchObject(failure("BROKER_PERMISSION_DENIED"));
    const deaf = await broker.connect(node("b"), { inboxPrefix: "cell0.v1.test.inbox.a" });
    const unheard = writesOf(deaf).write({ subject: subject(213), data, expected: 0 });
    expect(await unheard).toMatchObject(failure("BROKER_PERMISSION_DENIED"));
  });

  it("fails when it is larger than the broker takes", async () => {
    const huge = new Uint8Array(connection.maxPayloadBytes() + 1);
    expect(
      await writesOf(connection).write({ subject: subject(214), data: huge, expected: 0 }),
    ).toMatchObject(failure("BROKER_MESSAGE_TOO_LARGE"));
  });

  it("is given up when its time has run out, each in its turn", async () => {
    const swallowed = "cell0.v1.test.events.a.node-stopped";
    const listener = connection.subscribe(swallowed, () => {});
    await connection.flush();
    const writes = writesOf(connection, 30);
    const ended: number[] = [];
    const write = async (index: number) => {
      const outcome = await writes.write({ subject: swallowed, data, expected: 0 });
      ended.push(index);
      return outcome;
    };
    const first = write(1);
    const second = write(2);
    expect(await first).toMatchObject(failure("BROKER_TIMEOUT"));
    expect(await second).toMatchObject(failure("BROKER_TIMEOUT"));
    expect(await write(3)).toMatchObject(failure("BROKER_TIMEOUT"));
    expect(ended).toEqual([1, 2, 3]);
    expect(await writes.write({ subject: subject(215), data, expected: 0 })).toMatchObject({ ok: true });
    listener.unsubscribe();
  });

  it("ends with the connection, and works again once that is back", async () => {
    const own = await broker.connect(node("a"));
    const writes = writesOf(own, 60_000);
    const swallowed = "cell0.v1.test.events.a.node-stopped";
    own.subscribe(swallowed, () => {});
    await own.flush();
    const lost = writes.write({ subject: swallowed, data, expected: 0 });
    await broker.kill();
    expect(await lost).toMatchObject(failure("BROKER_UNREACHABLE"));
    expect(await writes.write({ subject: subject(216), data, expected: 0 })).toMatchObject(
      failure("BROKER_UNREACHABLE"),
    );
    const back = new Promise<void>((resolve) =>
      own.onStatus(({ state }) => state === "connected" && resolve()),
    );
    await broker.start();
    await back;
    expect(await writes.write({ subject: subject(216), data, expected: 0 })).toMatchObject({ ok: true });
    await own.close();
    expect(await writes.write({ subject: subject(216), data, expected: 1 })).toMatchObject(
      failure("BROKER_UNREACHABLE"),
    );
  });
});
