import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { createBrokerAuthority } from "../../src/transport/broker/authority.ts";
import { issueUser } from "../../src/transport/broker/user.ts";
import { waitForBroker } from "../../src/transport/broker/wait.ts";
import { type BrokerStatus, connectBroker } from "../../src/transport/connection.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const node = { kind: "node", principal: "a" } as const;
const subject = "cell0.v1.test.in.a.hello.greeter";
const NOWHERE = "nats://127.0.0.1:1";

describe("a connection to the broker", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker.stop());

  it("goes on delivering after a handler has thrown and another has rejected", async () => {
    const problems: CellError[] = [];
    const connection = await broker.connect(node, { onProblem: (error) => problems.push(error) });
    const received: string[] = [];
    connection.subscribe(subject, ({ data }) => {
      const word = new TextDecoder().decode(data);
      received.push(word);
      if (word === "throw") throw new TypeError("handler");
      return word === "reject" ? Promise.reject(new TypeError("handler")) : undefined;
    });
    for (const word of ["throw", "reject", "after"]) connection.publish(subject, text(word));
    await connection.flush();
    expect(received).toEqual(["throw", "reject", "after"]);
    expect(problems.map(({ code }) => code)).toEqual(["BROKER_HANDLER_FAILED", "BROKER_HANDLER_FAILED"]);
    expect(problems[0]?.cause).toBeInstanceOf(TypeError);
  });

  it("lives on when the listener of its status or of its problems throws", async () => {
    const connection = await broker.connect(node, {
      onStatus: () => {
        throw new TypeError("listener");
      },
      onProblem: () => {
        throw new TypeError("listener");
      },
    });
    connection.subscribe(subject, () => {
      throw new TypeError("handler");
    });
    connection.publish(subject, text("x"));
    await connection.flush();
    expect(connection.isConnected()).toBe(true);
  });

  it("tells that a message is larger than the broker takes", async () => {
    const connection = await broker.connect(node);
    expect(() => connection.publish(subject, new Uint8Array(8 * 1024 * 1024 + 1))).toThrow(
      expect.objectContaining({ code: "BROKER_MESSAGE_TOO_LARGE" }),
    );
  });

  it("tells that nobody listens", async () => {
    const connection = await broker.connect(node);
    await expect(connection.request("cell0.v1.test.trust-bundle", text(""))).rejects.toMatchObject({
      code: "BROKER_NO_RESPONDERS",
    });
  });

  it("tells that nobody answered in time", async () => {
    const connection = await broker.connect(node);
    connection.subscribe("cell0.v1.test.trust-bundle", () => undefined);
    await expect(connection.request("cell0.v1.test.trust-bundle", text(""), 20)).rejects.toMatchObject({
      code: "BROKER_TIMEOUT",
    });
  });

  it("refuses work once it is closed, and closes twice without complaint", async () => {
    const connection = await broker.connect(node);
    await connection.close();
    await connection.close();
    expect(connection.status()).toEqual({ state: "closed" });
    expect(() => connection.publish(subject, text("x"))).toThrow(
      expect.objectContaining({ code: "BROKER_CLOSED" }),
    );
    expect(() => connection.subscribe(subject, () => undefined)).toThrow(
      expect.objectContaining({ code: "BROKER_CLOSED" }),
    );
  });

  it("hands over what has arrived before it closes", async () => {
    const [sender, receiver] = [await broker.connect(node), await broker.connect(node)];
    let received = 0;
    receiver.subscribe(subject, () => {
      received += 1;
    });
    await receiver.flush();
    for (let n = 0; n < 1000; n += 1) sender.publish(subject, text("x"));
    await sender.flush();
    await receiver.close();
    expect(received).toBe(1000);
  });

  it("refuses credentials of another cell's account", async () => {
    const other = await issueUser({ ...node, cell: "test", authority: await createBrokerAuthority("test") });
    await expect(connectBroker({ url: broker.url, creds: other.creds, name: "x" })).rejects.toMatchObject({
      code: "BROKER_REFUSED_CREDENTIALS",
    });
    await expect(waitForBroker({ url: broker.url, creds: other.creds })).rejects.toMatchObject({
      code: "BROKER_REFUSED_CREDENTIALS",
    });
  });

  it("refuses credentials that have expired", async () => {
    const { creds } = await issueUser({
      ...node,
      cell: "test",
      authority: broker.authority,
      expiresUnixMs: Date.now() - 10_000,
    });
    await expect(connectBroker({ url: broker.url, creds, name: "x" })).rejects.toMatchObject({
      code: "BROKER_REFUSED_CREDENTIALS",
    });
  });

  it("refuses a stranger without credentials", async () => {
    await expect(connectBroker({ url: broker.url, name: "x" })).rejects.toMatchObject({
      code: "BROKER_REFUSED_CREDENTIALS",
    });
  });

  it("fails at once when nothing listens, and waits when told to until it is aborted", async () => {
    await expect(connectBroker({ url: NOWHERE, name: "x" })).rejects.toMatchObject({
      code: "BROKER_UNREACHABLE",
    });
    await expect(
      connectBroker({ url: NOWHERE, name: "x", firstConnect: "wait", signal: AbortSignal.timeout(100) }),
    ).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(
      waitForBroker({ url: NOWHERE, creds: await broker.creds(node), timeoutMs: 100 }),
    ).rejects.toMatchObject({
      code: "BROKER_UNREACHABLE",
    });
  });
});

describe("a broker that is killed and started again", () => {
  it("is found again by connection and subscriptions, and gets what was sent meanwhile, in order", async () => {
    await using broker = await startBroker();
    const statuses: BrokerStatus["state"][] = [];
    const connection = await broker.connect(node, {
      onStatus: ({ state }) => statuses.push(state),
      maxBufferedBytes: 4096,
    });
    const received: string[] = [];
    connection.subscribe(subject, ({ data }) => {
      received.push(new TextDecoder().decode(data));
    });
    await broker.kill();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false));
    for (const word of ["one", "two", "three"]) connection.publish(subject, text(word));
    expect(() => connection.publish(subject, new Uint8Array(4096))).toThrow(
      expect.objectContaining({ code: "BROKER_BUFFER_FULL", retryable: true }),
    );
    await expect(connection.request(subject, text("x"))).rejects.toMatchObject({
      code: "BROKER_UNREACHABLE",
    });
    await broker.start();
    await vi.waitFor(() => expect(received).toEqual(["one", "two", "three"]), { timeout: 5000 });
    expect(statuses.slice(0, 3)).toEqual(["connected", "disconnected", "reconnecting"]);
    expect(statuses.at(-1)).toBe("connected");
    await connection.close();
    expect(statuses.at(-1)).toBe("closed");
  });

  it("does not hold up the closing of a connection that has lost it", async () => {
    await using broker = await startBroker();
    const connection = await broker.connect(node);
    await broker.kill();
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false));
    await connection.close();
    expect(connection.status()).toEqual({ state: "closed" });
  });
});
