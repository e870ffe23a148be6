import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { subscribeIntents } from "../../src/transport/intake.ts";
import { publishEnvelope } from "../../src/transport/publish-envelope.ts";
import { actorIntents, allIntents, inboxPrefix, intentSubject } from "../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

const bytes = new Uint8Array([1]);
const refuse = (): never => {
  throw new Error("nothing is to be refused here");
};

describe("the intake of intents", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker.stop());
  const link = async () => ({
    node: await broker.connect({ kind: "node", principal: "a" }),
    client: await broker.connect({ kind: "client", principal: "alice" }),
  });

  it("hands over subject, bytes and the place for refusals", async () => {
    const { node, client } = await link();
    const deliver = vi.fn();
    subscribeIntents({ connection: node, subjects: [allIntents("test")], deliver, refuse });
    await node.flush();
    const subject = intentSubject("test", "alice", "hello/greeter");
    const natsReply = `${inboxPrefix("test", "alice")}.1`;
    publishEnvelope(client, subject, bytes, natsReply);
    publishEnvelope(client, subject, bytes);
    await vi.waitFor(() => expect(deliver).toHaveBeenCalledTimes(2));
    expect(deliver.mock.calls.map(([message]) => ({ ...message, data: [...message.data] }))).toEqual([
      { subject, data: [1], natsReply },
      { subject, data: [1] },
    ]);
    await node.close();
  });

  it("tells a sender that nobody listens on the target's subject", async () => {
    const { client } = await link();
    const natsReply = `${inboxPrefix("test", "alice")}.2`;
    const codes: (number | undefined)[] = [];
    client.subscribe(natsReply, ({ headers }) => {
      codes.push(headers?.code);
    });
    publishEnvelope(client, intentSubject("test", "alice", "nobody/here"), bytes, natsReply);
    await client.flush();
    expect(codes).toEqual([503]);
  });

  it("refuses what comes while as much as allowed is in hand, and takes up again", async () => {
    const { node, client } = await link();
    const gate = Promise.withResolvers<void>();
    const refused: CellError[] = [];
    let delivered = 0;
    const intake = subscribeIntents({
      connection: node,
      subjects: [actorIntents("test", "hello/greeter")],
      deliver: () => {
        delivered += 1;
        return gate.promise;
      },
      refuse: (_message, error) => refused.push(error),
      maxInFlight: 2,
    });
    await node.flush();
    const subject = intentSubject("test", "alice", "hello/greeter");
    for (let n = 0; n < 5; n += 1) publishEnvelope(client, subject, bytes);
    await vi.waitFor(() => expect(refused).toHaveLength(3));
    expect(refused[0]).toMatchObject({ code: "BROKER_OVERLOADED", retryable: true, retryAfterMs: 100 });
    expect(intake.stats()).toEqual({ received: 5, refused: 3, inFlight: 2 });
    const drained = intake.drain();
    gate.resolve();
    await drained;
    expect(intake.stats().inFlight).toBe(0);
    intake.add(actorIntents("test", "hello/greeter"));
    await node.flush();
    publishEnvelope(client, subject, bytes);
    await vi.waitFor(() => expect(delivered).toBe(3));
  });

  it("lives on when a delivery throws or rejects", async () => {
    const problems: CellError[] = [];
    const node = await broker.connect(
      { kind: "node", principal: "a" },
      { onProblem: (error) => problems.push(error) },
    );
    const { client } = await link();
    let delivered = 0;
    const intake = subscribeIntents({
      connection: node,
      subjects: [actorIntents("test", "hello/greeter")],
      deliver: () => {
        delivered += 1;
        if (delivered === 1) throw new TypeError("deliver");
        return Promise.reject(new TypeError("deliver"));
      },
      refuse,
    });
    await node.flush();
    for (let n = 0; n < 3; n += 1) {
      publishEnvelope(client, intentSubject("test", "alice", "hello/greeter"), bytes);
    }
    await vi.waitFor(() => expect(problems).toHaveLength(3));
    expect(intake.stats()).toEqual({ received: 3, refused: 0, inFlight: 0 });
  });

  it("takes a subject off again", async () => {
    const { node, client } = await link();
    const deliver = vi.fn();
    const subject = actorIntents("test", "hello/greeter");
    const intake = subscribeIntents({ connection: node, subjects: [subject, subject], deliver, refuse });
    expect(intake.subjects()).toEqual([subject]);
    intake.remove(subject);
    await node.flush();
    publishEnvelope(client, intentSubject("test", "alice", "hello/greeter"), bytes);
    await client.flush();
    await node.flush();
    expect(deliver).not.toHaveBeenCalled();
  });
});
