import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endpointName,
  parseDiscoverySubject,
  type ServiceDescription,
  serveDiscovery,
} from "../../src/transport/discovery.ts";
import { actorIntents } from "../../src/transport/subjects.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

const service = (name: string, paths: readonly string[]): ServiceDescription => ({
  name,
  id: "a",
  version: "0.1.0",
  description: `graph ${name} of cell test on node a`,
  metadata: { cell: "test", node: "a" },
  startedUnixMs: Date.UTC(2026, 0, 1),
  endpoints: paths.map((path) => ({
    name: endpointName(path),
    subject: actorIntents("test", path),
    metadata: { path },
    stats: { requests: 4, errors: 1, processingTimeNs: 10_000, lastError: "ACTOR_CRASHED" },
  })),
});

describe("discovery", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
    const node = await broker.connect({ kind: "node", principal: "a" });
    serveDiscovery({
      connection: node,
      cell: "test",
      services: () => [
        service("support-desk", ["support-desk/triage", "support-desk/pool/one"]),
        service("hello", ["hello/greeter"]),
        service("not a name", []),
      ],
    });
    await node.flush();
  });
  afterAll(() => broker.stop());

  const ask = async (subject: string): Promise<unknown[]> => {
    const creds = await broker.creds({ kind: "operator", principal: "operator" });
    const stock = await connect({
      servers: broker.url,
      authenticator: credsAuthenticator(new TextEncoder().encode(creds)),
    });
    const answers: unknown[] = [];
    for await (const answer of await stock.requestMany(subject, "", { strategy: "stall", maxWait: 1000 })) {
      answers.push(answer.json());
    }
    await stock.close();
    return answers;
  };

  it("answers a stock client's ping for every service whose name stock tools take", async () => {
    expect(await ask("$SRV.PING")).toEqual(
      ["support-desk", "hello"].map((name) => ({
        type: "io.nats.micro.v1.ping_response",
        name,
        id: "a",
        version: "0.1.0",
        metadata: { cell: "test", node: "a" },
      })),
    );
  });

  it("describes the actors of one graph as endpoints", async () => {
    expect(await ask("$SRV.INFO.support-desk")).toEqual([
      expect.objectContaining({
        type: "io.nats.micro.v1.info_response",
        description: "graph support-desk of cell test on node a",
        endpoints: [
          {
            name: "triage",
            subject: "cell0.v1.test.in.*.support-desk.triage",
            queue_group: "",
            metadata: { path: "support-desk/triage" },
          },
          expect.objectContaining({ name: "pool_one" }),
        ],
      }),
    ]);
  });

  it("counts requests, errors and time for one instance", async () => {
    expect(await ask("$SRV.STATS.hello.a")).toEqual([
      expect.objectContaining({
        type: "io.nats.micro.v1.stats_response",
        started: "2026-01-01T00:00:00.000Z",
        endpoints: [
          expect.objectContaining({
            num_requests: 4,
            num_errors: 1,
            last_error: "ACTOR_CRASHED",
            processing_time: 10_000,
            average_processing_time: 2_500,
          }),
        ],
      }),
    ]);
  });

  it.each(["$SRV.STATS.hello.b", "$SRV.PING.nothing"])("does not answer %s", async (subject) => {
    expect(await ask(subject)).toEqual([]);
  });

  it("answers a flood of questions to one inbox with a few, and another's question at once", async () => {
    const finder = { kind: "client", principal: "finder", discovery: true } as const;
    const [flooding, honest] = [
      await broker.connect(finder),
      await broker.connect({ ...finder, principal: "ann" }),
    ];
    let answers = 0;
    const victim = await broker.connect({ kind: "client", principal: "victim" });
    victim.subscribe("_INBOX_victim.>", () => {
      answers += 1;
    });
    await victim.flush();
    const beganMs = performance.now();
    for (let n = 0; n < 2_000; n += 1) flooding.publish("$SRV.PING", new Uint8Array(), "_INBOX_victim.x");
    await flooding.flush();
    const asked = await honest.request("$SRV.INFO.hello", new Uint8Array(), 20_000);
    expect(JSON.parse(new TextDecoder().decode(asked.data))).toMatchObject({ name: "hello" });
    await victim.flush();
    // Of two services, 16 questions in each second that began meanwhile.
    const seconds = Math.ceil((performance.now() - beganMs) / 1000) + 1;
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThanOrEqual(2 * 16 * seconds);
  });

  it.each(["$SRV", "$SRV.SCHEMA", "$SRV.PING.a.b.c", "x.PING"])("knows no subject %s", (subject) => {
    expect(parseDiscoverySubject(subject)).toBeUndefined();
  });
});
