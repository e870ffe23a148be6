// A sender that floods a node, with a real broker.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { subscribeIntents } from "../../src/transport/intake.ts";
import { publishEnvelope } from "../../src/transport/publish-envelope.ts";
import { allIntents, inboxPrefix, intentSubject } from "../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

const bytes = new Uint8Array([1]);

describe("a node", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker.stop());

  it("does not listen to who floods it, hears the others, and listens again after the flood", async () => {
    const node = await broker.connect({ kind: "node", principal: "a" });
    const alice = await broker.connect({ kind: "client", principal: "alice" });
    const bob = await broker.connect({ kind: "client", principal: "bob" });
    const gate = Promise.withResolvers<void>();
    const shutOut: string[] = [];
    const heard = new Map<string, number>();
    const subject = (principal: string) => intentSubject("test", principal, "hello/greeter");
    subscribeIntents({
      connection: node,
      subjects: [allIntents("test")],
      deliver: () => gate.promise,
      refuse: ({ subject: of }) => void heard.set(of, (heard.get(of) ?? 0) + 1),
      principals: () => ["alice", "bob", "a"],
      onShutOut: (sender) => shutOut.push(sender),
      maxInFlight: 1,
      maxTurnedAway: 200,
    });
    await node.flush();
    const inbox = `${inboxPrefix("test", "alice")}.flood`;
    let unheard = 0;
    alice.subscribe(inbox, ({ headers }) => {
      if (headers?.code === 503) unheard += 1;
    });
    let sent = 0;
    // The broker itself says that nobody listens to her any more.
    while (unheard === 0) {
      for (let n = 0; n < 1_000; n += 1) publishEnvelope(alice, subject("alice"), bytes, inbox);
      sent += 1_000;
      await alice.flush();
    }
    expect(shutOut).toEqual(["alice"]);
    publishEnvelope(bob, subject("bob"), bytes);
    await vi.waitFor(() => expect(heard.get(subject("bob"))).toBe(1), { timeout: 10_000 });
    expect(heard.get(subject("alice")) ?? 0).toBeLessThan(sent);
    // Now and then she is, and for good once she sends less than what she is heard for.
    const before = heard.get(subject("alice")) ?? 0;
    await vi.waitFor(
      async () => {
        publishEnvelope(alice, subject("alice"), bytes, inbox);
        await alice.flush();
        expect(heard.get(subject("alice")) ?? 0).toBeGreaterThan(before + 2);
      },
      { timeout: 20_000, interval: 100 },
    );
    gate.resolve();
  }, 60_000);
});
