// The broker's listener for browsers, as anything that is no browser finds it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBroker } from "../../src/transport/connection.ts";
import { inboxPrefix, trustBundleSubject } from "../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

describe("the listener for WebSockets", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker("test", { websocket: { port: -1, allowedOrigins: ["http://localhost"] } });
  });
  afterAll(() => broker.stop());

  const open = async (kind: "client" | "node", creds?: string) =>
    await connectBroker({
      url: broker.websocketUrl,
      name: kind,
      inboxPrefix: inboxPrefix("test", "x"),
      ...(creds === "" ? {} : { creds: creds ?? (await broker.creds({ kind, principal: "x" })) }),
    });

  it("carries what a client may send and hear", async () => {
    const node = await broker.connect({ kind: "node", principal: "a" });
    node.subscribe(trustBundleSubject("test"), ({ reply }) =>
      node.publish(reply ?? "", Uint8Array.of(1, 2, 3)),
    );
    await node.flush();
    await using client = await open("client");
    const { data } = await client.request(trustBundleSubject("test"), new Uint8Array(), 20_000);
    expect(data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it.each([
    ["a node's credentials", "node", undefined],
    ["no credentials", "client", ""],
  ] as const)("lets nobody in with %s", async (_what, kind, creds) => {
    await expect(open(kind, creds)).rejects.toMatchObject({ code: "BROKER_REFUSED_CREDENTIALS" });
  });

  it("is not there unless it is asked for", async () => {
    await using other = await startBroker("test");
    expect(other.websocketUrl).toBe("");
  });
});
