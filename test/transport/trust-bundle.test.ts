import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerConnection } from "../../src/transport/connection.ts";
import { revisionsStream } from "../../src/transport/streams/revisions-stream.ts";
import { inboxPrefix, revisionsSubject, trustBundleSubject } from "../../src/transport/subjects.ts";
import { encodeTrustBundle, fetchTrustBundle, serveTrustBundle } from "../../src/transport/trust-bundle.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

describe("the trust bundle", () => {
  let broker: BrokerFixture;
  let node: BrokerConnection;
  let client: BrokerConnection;
  beforeAll(async () => {
    // With the options that no other test of the broker uses.
    broker = await startBroker("test", {
      syncInterval: "always",
      websocket: { port: -1, allowedOrigins: ["http://localhost"] },
    });
    node = await broker.connect({ kind: "node", principal: "a" });
    client = await broker.connect({ kind: "client", principal: "alice" });
  });
  afterAll(() => broker.stop());

  it("brings a client every certificate that a node gives", async () => {
    const certificates = [new Uint8Array([1]), new Uint8Array([2, 3])];
    const service = serveTrustBundle({ connection: node, cell: "test", certificates: () => certificates });
    await node.flush();
    expect((await fetchTrustBundle(client, "test", 2000)).map((bytes) => [...bytes])).toEqual([[1], [2, 3]]);
    service.unsubscribe();
    await node.flush();
  });

  it("is not sent where a client may not write itself", async () => {
    const revisions = revisionsStream(node, "test");
    await revisions.ensure();
    const service = serveTrustBundle({ connection: node, cell: "test", certificates: () => [] });
    await node.flush();
    client.publish(trustBundleSubject("test"), new Uint8Array(), revisionsSubject("test"));
    await fetchTrustBundle(client, "test", 2000);
    await node.flush();
    expect(await revisions.last()).toBeUndefined();
    service.unsubscribe();
    await node.flush();
  });

  it("is made and sent a bounded number of times, however often somebody asks", async () => {
    let made = 0;
    const certificates = () => {
      made += 1;
      return [new Uint8Array(1024)];
    };
    const service = serveTrustBundle({ connection: node, cell: "test", certificates });
    const victim = await broker.connect({ kind: "client", principal: "victim" });
    let answers = 0;
    const inbox = `${inboxPrefix("test", "victim")}.flood`;
    victim.subscribe(inbox, () => {
      answers += 1;
    });
    await Promise.all([node.flush(), victim.flush()]);
    for (let count = 0; count < 2_000; count += 1)
      client.publish(trustBundleSubject("test"), new Uint8Array(), inbox);
    await client.flush();
    // What another asks for is answered all the same.
    expect(await fetchTrustBundle(client, "test", 2000)).toHaveLength(1);
    await node.flush();
    await victim.flush();
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(100);
    expect(made).toBeLessThan(50);
    service.unsubscribe();
    await node.flush();
  });

  it("that cannot be read is not believed", async () => {
    const service = node.subscribe(trustBundleSubject("test"), ({ reply }) => {
      node.publish(reply ?? "", new Uint8Array([255, 255]));
    });
    await node.flush();
    await expect(fetchTrustBundle(client, "test", 2000)).rejects.toMatchObject({
      code: "BROKER_REPLY_UNTRUSTED",
    });
    service.unsubscribe();
  });

  it("leaves out what exceeds its bounds", () => {
    const large = Array.from({ length: 2000 }, () => new Uint8Array(4096));
    expect(encodeTrustBundle(large).length).toBeLessThan(900 * 1024);
  });
});
