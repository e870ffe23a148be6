// Whose answer proves that a node takes a key.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keyProver } from "../../src/runtime/prove-key.ts";
import { sha256 } from "../../src/security/bytes.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { buildReply } from "../../src/security/replies/build-reply.ts";
import { decodeCapsule } from "../../src/security/wire/decode-capsule.ts";
import { decodeEnvelope } from "../../src/security/wire/envelope.ts";
import { sealOne } from "../../src/security/wire/seal.ts";
import { verifyEnvelope } from "../../src/security/wire/verify-envelope.ts";
import type { BrokerConnection, BrokerMessage } from "../../src/transport/connection.ts";
import {
  CELL,
  genesis,
  keys,
  must,
  NOW,
  nextId,
  nodeBCertificate,
  sealingOf,
  trustStore,
} from "../security/cell-fixture.ts";

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

const maker = { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) };

/** Node a asks, and these answer at once, each in its own name. */
function prove(node: string, ...answering: readonly SigningKey[]): Promise<void> {
  let hear: ((message: BrokerMessage) => void) | undefined;
  const connection = {
    subscribe: (_subject: string, handler: typeof hear) => {
      hear = handler;
      return { unsubscribe: () => {} };
    },
    publish: (_subject: string, envelope: Uint8Array) => {
      const [entry] = must(verifyEnvelope(must(decodeEnvelope(envelope)), genesis.hash));
      if (entry === undefined) throw new Error("nothing was sent");
      const { id, rootId, replyInbox, target } = must(decodeCapsule(entry.bytes));
      expect(target).toBe(`kernel/${node}/registry`);
      const ref = {
        ...{ issuer: keys.stranger.publicKey, id, rootId, hash: sha256(entry.bytes) },
        ...{ intent: "node.status", deadlineUnixMs: NOW + 5_000, traceparent: "" },
        priority: "normal",
      } as const;
      const content = {
        kind: "value",
        payload: new TextEncoder().encode("{}"),
        contentType: "application/json",
        final: true,
      } as const;
      const reply = must(buildReply(ref, content, { inbox: replyInbox, index: 0 }, maker));
      for (const key of answering)
        hear?.({ subject: replyInbox, data: sealOne(reply, sealingOf(key)) } as BrokerMessage);
    },
  };
  const trust = trustStore();
  must(trust.add(nodeBCertificate.bytes, NOW));
  const ask = keyProver({
    ...{ connection: connection as never as BrokerConnection, cell: CELL, node: "a" },
    ...{ maker, trust, genesisHash: genesis.hash },
  });
  return ask(keys.stranger, node);
}

test("the answer of the node that is asked does", async () => {
  await expect(prove("b", keys.nodeB)).resolves.toBeUndefined();
  await expect(prove("a", keys.nodeA)).resolves.toBeUndefined();
});

test("another node's does not, and no client's", async () => {
  const proven = expect(prove("b", keys.nodeA, keys.ann)).rejects.toMatchObject({
    code: "ACTOR_DEADLINE_EXCEEDED",
  });
  await vi.runAllTimersAsync();
  await proven;
});
