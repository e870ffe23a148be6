// A node's way in with everything behind it but actors, against a broker that
// fails and certificates that change.
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Delivery } from "../../src/actors/intent.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { ok } from "../../src/errors/result.ts";
import type { PlacedGraph } from "../../src/manifest/graph.ts";
import { Watched } from "../../src/runtime/links.ts";
import { openMessaging } from "../../src/runtime/messaging.ts";
import type { RunningActors } from "../../src/runtime/running-actors.ts";
import type { SecondOpinion } from "../../src/runtime/second-opinion.ts";
import { HybridClock } from "../../src/security/clock/hybrid-clock.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import { sealBatch } from "../../src/security/wire/seal.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import type { BrokerConnection, BrokerMessage } from "../../src/transport/connection.ts";
import {
  bytesOf,
  CELL,
  certify,
  genesis,
  keyOf,
  keys,
  must,
  NOW,
  nextId,
  portsOf,
  SUBJECT,
  sealingOf,
  trustStore,
} from "../security/cell-fixture.ts";
import { sealedOddly } from "../security/keys/odd-signature.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW }));
afterEach(() => void vi.useRealTimers());

function open(secondOpinion: SecondOpinion = () => undefined) {
  const delivered: string[] = [];
  const records: EventInput[] = [];
  const handlers = new Map<string, (message: BrokerMessage) => void>();
  const connection = {
    publish: vi.fn<(subject: string, data: Uint8Array) => void>(),
    subscribe: (subject: string, handler: (message: BrokerMessage) => void) => {
      handlers.set(subject, handler);
      return { subject, closed: new Promise(() => {}), unsubscribe: () => {}, drain: async () => {} };
    },
  };
  const trust = trustStore();
  const messaging = openMessaging({
    config: { version: 1, cell: CELL, node: "a", broker: { url: "nats://127.0.0.1:1", embedded: false } },
    startedAtUnixMs: NOW - 60_000,
    sealing: sealingOf(keys.nodeA),
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    clock: new HybridClock(() => NOW),
    connection: connection as unknown as BrokerConnection,
    trust,
    authority: portsOf(),
    replay: {
      window: new ReplayWindow(),
      floor: { floorOf: () => 0, highestUnixMs: 0, accepted: () => {} },
      issuedAfterUnixMs: NOW - 60_000,
      close: () => {},
    },
    secondOpinion,
    actors: {
      deliver: ({ intent, respond }: Delivery) => {
        delivered.push(intent.id);
        respond({ kind: "value", value: undefined, final: true });
        return ok({ mailboxDepth: 1 });
      },
    } as unknown as RunningActors,
    whyNot: () => undefined,
    tracing: { span: () => ({ traceparent: "", fail: () => {}, end: () => {} }) },
    record: (event) => records.push(event),
    onProblem: () => {},
  });
  messaging.serve({
    placed: new Watched<PlacedGraph>({ roots: [], clients: [], placed: {} }),
    firstNode: () => "a",
  });
  const hear = (data: Uint8Array) => handlers.get(`cell0.v1.${CELL}.in.>`)?.({ subject: SUBJECT, data });
  return { hear, connection, delivered, records, trust, messaging };
}

const batchOf = (capsules: readonly Uint8Array[]) =>
  sealBatch([capsules], sealingOf(keys.ann), 1n)[0] ?? new Uint8Array();

test("a repeated capsule that cannot be answered now loses none that came in the same message", async () => {
  const { hear, connection, delivered, messaging } = open();
  const known = bytesOf();
  hear(batchOf([known]));
  await vi.waitFor(() => expect(delivered).toHaveLength(1));
  await messaging.close().catch(() => undefined);
  expect(connection.publish).toHaveBeenCalledOnce();
  connection.publish.mockImplementation(() => {
    throw new CellError("BROKER_BUFFER_FULL");
  });
  hear(batchOf([known, bytesOf(), bytesOf()]));
  // A turn that has lasted long enough takes no further message: it waits for the next.
  await vi.waitFor(() => expect(delivered).toHaveLength(3));
});

test("a node whose certificate was replaced takes no intent, also none for its kernel", async () => {
  const { hear, delivered, records, trust } = open();
  must(
    trust.add(certify({ key: keyOf(42).publicKey, principal: "a", kind: "node", generation: 2 }).bytes, NOW),
  );
  hear(batchOf([bytesOf()]));
  await vi.waitFor(() => expect(records).toHaveLength(1));
  expect(delivered).toEqual([]);
  expect(records.map(({ kind }) => kind)).toMatchObject([
    { case: "intentRefused", value: { error: { code: "CELL_NOT_ACCEPTING" } } },
  ]);
});

describe("a message in doubt", () => {
  const odd = () => sealedOddly(bytesOf(), keys.ann, new Uint8Array(32).fill(5), genesis.hash);
  const refused = (records: readonly EventInput[]) =>
    records.flatMap(({ kind }) => (kind.case === "intentRefused" ? [kind.value.error?.code] : []));

  test("is judged when the core has answered, and no one before it", async () => {
    const answers = [Promise.withResolvers<"valid">(), Promise.withResolvers<"invalid">()] as const;
    const asked = [answers[0].promise, answers[1].promise];
    const { hear, delivered, records } = open(() => asked.shift());
    hear(odd());
    hear(odd());
    hear(batchOf([bytesOf()]));
    await vi.waitFor(() => expect(delivered).toHaveLength(1));
    answers[1].resolve("invalid");
    await turns();
    expect(refused(records)).toEqual([]);
    answers[0].resolve("valid");
    await vi.waitFor(() => expect(refused(records)).toEqual(["CAPSULE_SIGNATURE_INVALID"]));
    expect(delivered).toHaveLength(2);
  });

  test("is refused at once when the core cannot be asked", async () => {
    const { hear, records } = open(() => undefined);
    hear(odd());
    await vi.waitFor(() => expect(refused(records)).toEqual(["CAPSULE_SIGNATURE_UNDECIDED"]));
  });

  test("is not taken by a node that drains: its sender asks again", async () => {
    const answer = Promise.withResolvers<"valid">();
    const { hear, delivered, messaging } = open(() => answer.promise);
    hear(odd());
    await turns();
    await messaging.drain();
    answer.resolve("valid");
    await turns();
    expect(delivered).toEqual([]);
  });
});

/** Of the event loop, several. */
async function turns(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await nextTurn();
}
