import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { credsAuthenticator, connect as stockConnect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CellClient, connect, type IntentItem, type ManyResult } from "../../../src/client.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { EventGroupSchema } from "../../../src/gen/cell0/v1/events_pb.ts";
import { eventSubject } from "../../../src/transport/subjects.ts";
import { startCell, type TestCell, type TestNode } from "./cell-fixture.ts";

const handlers = {
  "hello/greeter greet": (payload: unknown) => [{ text: `Hello ${JSON.stringify(payload)}` }],
  "hello/greeter count": () => [1, 2, 3],
  "hello/greeter quiet": () => [undefined],
  "hello/greeter silent": () => "silent" as const,
  "hello/greeter endless": () => "endless" as const,
  "hello/greeter fail": () => [1, new CellError("ACTOR_CRASHED", "it fell")],
};

describe("a client of a cell", () => {
  let cell: TestCell;
  let node: TestNode;
  let client: CellClient;
  beforeAll(async () => {
    cell = await startCell();
    node = await cell.node("a", handlers);
    client = await connect({ identity: (await cell.identity("alice")).parsed });
  });
  afterAll(async () => {
    await client.close();
    await cell.stop();
  });

  it("gets the verified reply of an actor", async () => {
    expect(await client.request("hello/greeter", "greet", { name: "Ada" })).toMatchObject({
      value: { text: 'Hello {"name":"Ada"}' },
      index: 0,
      final: true,
      node: "a",
    });
  });

  it("connects with the path of its file, which stock nats.js takes as well", async () => {
    const { text } = await cell.identity("file");
    const path = join(cell.broker.directory, "file.creds");
    await writeFile(path, text);
    await using another = await connect({ identity: path, url: cell.broker.url });
    expect((await another.request("hello/greeter", "greet", 1)).value).toEqual({ text: "Hello 1" });
    const stock = await stockConnect({
      servers: cell.broker.url,
      authenticator: credsAuthenticator(new TextEncoder().encode(text)),
    });
    stock.publish("cell0.v1.test.in.file.hello.greeter", "not a capsule");
    await stock.close();
  });

  it("yields each reply of a stream and ends at the final one", async () => {
    const values: unknown[] = [];
    for await (const { value } of client.stream("hello/greeter", "count", {})) values.push(value);
    expect(values).toEqual([1, 2, 3]);
  });

  it("yields what came before a failure, then throws it", async () => {
    const values: unknown[] = [];
    const reading = (async () => {
      for await (const { value } of client.stream("hello/greeter", "fail", {})) values.push(value);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "ACTOR_CRASHED",
      message: "it fell",
      retryable: true,
    });
    expect(values).toEqual([1]);
  });

  it("stops waiting when the reader of a stream leaves", async () => {
    for await (const _reply of client.stream("hello/greeter", "endless", {})) break;
    expect(await client.request("hello/greeter", "count", {})).toMatchObject({ value: 1, final: false });
  });

  it("resolves a send once the cell has taken it", async () => {
    expect(await client.send("hello/greeter", "quiet", {})).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  it.each([
    ["an unknown target", "hello/nobody", "greet", {}, "ACTOR_NOT_FOUND"],
    ["a target that is no path", "hello/No Body", "greet", {}, "BROKER_SUBJECT_INVALID"],
    ["an intent type that is none", "hello/greeter", "Not A Type", {}, "CAPSULE_FIELD_INVALID"],
    [
      "a payload that is too large",
      "hello/greeter",
      "greet",
      { text: "x".repeat(70_000) },
      "CAPSULE_PAYLOAD_TOO_LARGE",
    ],
  ])("rejects %s with its code", async (_what, target, intent, payload, code) => {
    await expect(client.request(target, intent, payload)).rejects.toMatchObject({ code });
  });

  it("rejects what its grants do not allow", async () => {
    const { parsed } = await cell.identity("narrow", [{ intents: ["greet"], targets: ["other/**"] }]);
    await using narrow = await connect({ identity: parsed });
    await expect(narrow.request("hello/greeter", "greet", {})).rejects.toMatchObject({
      code: "AUTHORITY_INTENT_FORBIDDEN",
    });
  });

  it("hears its deadline at the latest", async () => {
    await expect(client.request("hello/greeter", "silent", {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "ACTOR_DEADLINE_EXCEEDED",
      retryable: true,
    });
  });

  it.each([0, -1, Number.NaN, 3_600_001])("takes no timeout of %d ms", async (timeoutMs) => {
    await expect(client.request("hello/greeter", "greet", {}, { timeoutMs })).rejects.toThrow(RangeError);
  });

  it("gives up with the reason of its signal", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = client.request("hello/greeter", "silent", {}, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(client.request("hello/greeter", "greet", {}, { signal: controller.signal })).rejects.toBe(
      reason,
    );
  });

  it("signs what is sent in one turn once, and carries it in one message a target", async () => {
    const before = node.counts.messages;
    const trafficBefore = client.traffic();
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) => client.request("hello/greeter", "greet", n)),
    );
    expect(replies.map(({ value }) => value)).toEqual(
      Array.from({ length: 40 }, (_, n) => ({ text: `Hello ${n}` })),
    );
    expect(node.counts.messages - before).toBe(1);
    const { sentMessages, intents, replies: received } = client.traffic();
    expect(sentMessages - trafficBefore.sentMessages).toBe(1);
    // What the test before has given up may still be among them.
    expect(intents - trafficBefore.intents).toBeGreaterThanOrEqual(40);
    expect(received - trafficBefore.replies).toBeGreaterThanOrEqual(40);
  });

  it("sends again together, and under one signature, what was sent together and nobody answers", async () => {
    const given = new AbortController();
    const before = client.traffic();
    const waiting = Array.from({ length: 40 }, () =>
      client.request("hello/greeter", "silent", {}, { timeoutMs: 10_000, signal: given.signal }),
    );
    const ended = Promise.allSettled(waiting);
    await vi.waitFor(() => expect(client.traffic().intents - before.intents).toBeGreaterThanOrEqual(80));
    expect(client.traffic().sentMessages - before.sentMessages).toBeLessThan(10);
    given.abort();
    await ended;
  });

  it("refuses each capsule of a message by itself", async () => {
    const results = await Promise.allSettled([
      client.request("hello/greeter", "greet", 1),
      client.request("hello/nobody", "greet", 1),
      client.request("hello/greeter", "fail", 1),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("asks for the nodes' certificates once", () => {
    // Four clients of this file have asked until now, each of them once.
    expect(node.counts.trustAsked).toBeLessThanOrEqual(4);
  });

  it("sends many with a bound on what is under way", async () => {
    const results: ManyResult<IntentItem>[] = [];
    const items = Array.from({ length: 500 }, (_, n) => ({
      target: n % 10 === 0 ? "hello/nobody" : "hello/greeter",
      intent: "greet",
      payload: n,
    }));
    const summary = await client.many(items, { concurrency: 32, onResult: (result) => results.push(result) });
    expect(summary).toMatchObject({ succeeded: 450, failed: 50 });
    expect(new Set(results.map(({ index }) => index)).size).toBe(500);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ error: { code: "ACTOR_NOT_FOUND" } });
  });

  it("stops sending many when told to", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    let done = 0;
    const running = client.many(
      (function* () {
        for (;;) yield { target: "hello/greeter", intent: "greet", payload: 1 };
      })(),
      {
        concurrency: 4,
        signal: controller.signal,
        onResult: () => {
          done += 1;
          if (done === 10) controller.abort(reason);
        },
      },
    );
    await expect(running).rejects.toBe(reason);
  });

  it("hears events when it may, and is told when it may not", async () => {
    const { parsed } = await cell.identity("watcher", [], { events: true });
    await using watcher = await connect({ identity: parsed });
    const controller = new AbortController();
    const events = watcher.events({ kind: "sent", signal: controller.signal });
    const first = events.next();
    await vi.waitFor(async () => {
      const group = create(EventGroupSchema, {
        events: [7n, 8n].map((sequence) => ({ node: "a", sequence })),
      });
      node.connection.publish(eventSubject("test", "a", "sent"), toBinary(EventGroupSchema, group));
      expect(await Promise.race([first, new Promise((resolve) => setImmediate(resolve))])).toBeDefined();
    });
    expect((await first).value).toMatchObject({ node: "a", sequence: 7n });
    expect((await events.next()).value).toMatchObject({ node: "a", sequence: 8n });
    controller.abort();
    for await (const _event of events) {
      // What was queued before the end.
    }
    await expect(client.events().next()).rejects.toMatchObject({ code: "BROKER_PERMISSION_DENIED" });
  });

  it("ends what waits when it is closed, and takes nothing more", async () => {
    const closing = await connect({ identity: (await cell.identity("closing")).parsed });
    const waiting = closing.request("hello/greeter", "silent", {});
    const closed = expect(waiting).rejects.toMatchObject({ code: "BROKER_CLOSED" });
    await closing.close();
    await closing.close();
    await closed;
    await expect(closing.request("hello/greeter", "greet", {})).rejects.toMatchObject({
      code: "BROKER_CLOSED",
    });
  });
});

describe("a client whom something stands against", () => {
  it("is told when no node listens", async () => {
    await using cell = await startCell();
    await using client = await connect({ identity: (await cell.identity("alice")).parsed });
    const ask = (payload: unknown) => client.request("hello/greeter", "greet", payload, { timeoutMs: 300 });
    await expect(ask({})).rejects.toMatchObject({ code: "BROKER_NO_RESPONDERS" });
    const both = await Promise.allSettled([1, 2].map(ask));
    expect(both.map((result) => result.status === "rejected" && result.reason.code)).toEqual([
      "BROKER_NO_RESPONDERS",
      "BROKER_NO_RESPONDERS",
    ]);
  });

  it("does not believe a reply by a key that the cell does not vouch for", async () => {
    await using cell = await startCell();
    await cell.node("a", handlers, { impostor: true });
    const problems: CellError[] = [];
    const { parsed } = await cell.identity("alice");
    await using client = await connect({ identity: parsed, onProblem: (error) => problems.push(error) });
    await expect(client.request("hello/greeter", "greet", {}, { timeoutMs: 300 })).rejects.toMatchObject({
      code: "BROKER_REPLY_UNTRUSTED",
      cause: { code: "AUTHORITY_ISSUER_UNKNOWN" },
    });
    expect(problems.map(({ code }) => code)).toEqual(["AUTHORITY_ISSUER_UNKNOWN"]);
  });

  it("sends when the broker is back what it was given meanwhile, within the deadline", async () => {
    await using cell = await startCell();
    const node = await cell.node("a", handlers);
    await using client = await connect({ identity: (await cell.identity("alice")).parsed });
    await client.request("hello/greeter", "greet", 1);
    await cell.broker.kill();
    await vi.waitFor(() => expect(client.status().state).not.toBe("connected"));
    await expect(client.request("hello/greeter", "greet", 2, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "BROKER_UNREACHABLE",
    });
    const waiting = client.request("hello/greeter", "greet", 3, { timeoutMs: 10_000 });
    await cell.broker.start();
    expect(await waiting).toMatchObject({ value: { text: "Hello 3" } });
    await vi.waitFor(() => expect(node.connection.isConnected()).toBe(true), { timeout: 5000 });
    await node.connection.flush();
    expect(await client.request("hello/greeter", "greet", 4)).toMatchObject({ value: { text: "Hello 4" } });
  });

  it("sends what nobody answers again, the same capsule, until a node is there", async () => {
    await using cell = await startCell();
    await using client = await connect({ identity: (await cell.identity("alice")).parsed });
    const waiting = Promise.all(
      [1, 2, 3].map((n) => client.request("hello/greeter", "greet", n, { timeoutMs: 10_000 })),
    );
    await client.request("hello/greeter", "greet", 0, { timeoutMs: 50 }).catch(() => undefined);
    await cell.node("a", handlers);
    expect((await waiting).map(({ value }) => value)).toEqual([1, 2, 3].map((n) => ({ text: `Hello ${n}` })));
  });

  it.each([
    ["a file that is not there", "/nowhere/at/all.creds"],
    ["a file that is no identity", new URL(import.meta.url).pathname],
  ])("refuses %s", async (_what, identity) => {
    await expect(connect({ identity })).rejects.toMatchObject({
      code: "AUTHORITY_IDENTITY_INVALID",
      where: identity,
    });
  });
});
