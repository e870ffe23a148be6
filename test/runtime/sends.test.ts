// What other nodes, and senders without end, can do to an actor's requests.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { OutgoingIntent } from "../../src/actors/intent.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { LocalReturns } from "../../src/runtime/durable/return-address.ts";
import { whyOusted } from "../../src/runtime/links.ts";
import { LocalUses, type UsePorts } from "../../src/runtime/local-uses.ts";
import { createSends, type SendPorts } from "../../src/runtime/sends.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";
import { capabilityText } from "../../src/security/capability/capability-text.ts";
import { chainBytes } from "../../src/security/capability/chain.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import type { TokenClaims } from "../../src/security/capability/token.ts";
import { buildIntent } from "../../src/security/intents/build-intent.ts";
import { outboxId } from "../../src/security/intents/outbox-id.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { buildReply } from "../../src/security/replies/build-reply.ts";
import { decodeCapsule } from "../../src/security/wire/decode-capsule.ts";
import { sealOne } from "../../src/security/wire/seal.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import { chainVerifier, rootChain } from "../security/capability/token-fixture.ts";
import {
  CELL,
  certify,
  genesis,
  issuerCertificate,
  keyOf,
  keys,
  must,
  NOW,
  nextId,
  nodeBCertificate,
  nodeCertificate,
  portsOf,
  sealingOf,
  trustStore,
} from "../security/cell-fixture.ts";

const INBOX = `cell0.v1.${CELL}.inbox.a.replies`;
const nodeC = keyOf(41);
const from = { path: "support/router", incarnation: { term: 1, activation: 1 } };
const maker = { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) };

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

function open(trust = trustStore(), uses: UsePorts = {}, authority = portsOf()) {
  const left: Uint8Array[] = [];
  const records: EventInput[] = [];
  const third = certify({ key: nodeC.publicKey, principal: "c", kind: "node", shards: [] });
  const ports: SendPorts = {
    authority,
    certificate: () => trust.byKey(keys.nodeA.publicKey, NOW),
    node: "a",
    maker,
    sealer: {
      seal: (_subject, capsule) => left.push(capsule),
      prepare: () => () => undefined,
      flush: () => {},
    },
    replyTrust: {
      genesisHash: genesis.hash,
      trust: trustStore([issuerCertificate, nodeCertificate, nodeBCertificate, third]),
    },
    toActor: () => ok({ mailboxDepth: 1 }),
    returns: new LocalReturns(),
    subjectOf: (path) => path,
    inbox: INBOX,
    record: (event) => records.push(event),
    uses: new LocalUses(uses),
  };
  return { sends: createSends(ports), left, records };
}

const intentTo = (target: string, fields: Partial<OutgoingIntent> = {}): OutgoingIntent => ({
  target,
  intent: "ticket.open",
  payload: {},
  cause: undefined,
  priority: "normal",
  timeoutMs: 1_000,
  ...fields,
});

function replyTo(bytes: Uint8Array, key: SigningKey, error?: CellError): Uint8Array {
  const capsule = must(decodeCapsule(bytes));
  const request = {
    issuer: new Uint8Array(),
    id: capsule.id,
    rootId: capsule.rootId,
    hash: sha256(bytes),
    intent: capsule.intent,
    deadlineUnixMs: capsule.deadlineUnixMs,
    priority: capsule.priority,
    traceparent: "",
  };
  const value = { kind: "value", payload: new Uint8Array(), contentType: "", final: true } as const;
  const content = error === undefined ? value : ({ kind: "error", error } as const);
  return sealOne(must(buildReply(request, content, { inbox: INBOX, index: 0 }, maker)), sealingOf(key));
}

describe("a request to an actor of another node", () => {
  test.each([
    ["the node that has it", keys.nodeB, 1],
    ["a node that merely heard it", nodeC, 0],
    ["a client", keys.ann, 0],
  ])("signed by %s is answered or not", (_who, key, answers) => {
    const { sends, left } = open();
    const onReply = vi.fn();
    sends.send(from, intentTo("support/far", { onReply }));
    sends.takeReply(INBOX, replyTo(left[0] ?? new Uint8Array(), key));
    expect(onReply).toHaveBeenCalledTimes(answers);
  });

  test("leaves no timer behind once it is answered", () => {
    const { sends, left } = open();
    sends.send(from, intentTo("support/far", { onReply: () => {}, timeoutMs: 3_600_000 }));
    sends.takeReply(INBOX, replyTo(left[0] ?? new Uint8Array(), keys.nodeB));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a request that is sent again, signed anew", () => {
  const post = (sends: ReturnType<typeof open>["sends"], issuedUnixMs: number) => {
    const draft = {
      target: "support/far",
      intent: "ticket.open",
      payload: new Uint8Array(),
      contentType: "",
      deadlineUnixMs: NOW + 60_000,
      replyInbox: INBOX,
      source: { actor: from.path, incarnation: undefined, sequence: 1 },
    };
    const tick = () => ({ unixMs: issuedUnixMs, counter: 0 });
    const built = must(
      buildIntent(draft, { nextId: () => outboxId(from.path, 1, draft.deadlineUnixMs), tick }),
    );
    const onReply = vi.fn();
    const taken = vi.fn();
    sends.post(built, { target: draft.target, timeoutMs: 60_000, onReply }, taken);
    return { bytes: built.bytes, onReply, taken };
  };

  test.each(["first", "second"] as const)("takes the answer to the %s capsule, once", (which) => {
    const { sends } = open();
    const first = post(sends, NOW - 20_000);
    const second = post(sends, NOW);
    const { bytes } = which === "first" ? first : second;
    sends.takeReply(INBOX, replyTo(bytes, keys.nodeB));
    sends.takeReply(INBOX, replyTo(bytes, keys.nodeB));
    expect(first.onReply).not.toHaveBeenCalled();
    expect(second.onReply).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ok: true }));
  });

  test("is not failed by a node that has it already, and still takes its answer", () => {
    const { sends } = open();
    const first = post(sends, NOW - 20_000);
    const second = post(sends, NOW);
    const refusal = new CellError("CAPSULE_ID_REUSED");
    sends.takeReply(INBOX, replyTo(second.bytes, keys.nodeB, refusal));
    expect(second.onReply).not.toHaveBeenCalled();
    expect(second.taken).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ok: true }));
    sends.takeReply(INBOX, replyTo(first.bytes, keys.nodeB));
    expect(second.onReply).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ok: true }));
  });
});

test("an intent to an actor that does not exist is recorded, though nobody waits for its answer", () => {
  const { sends, records } = open();
  sends.send(from, intentTo("support/nobody"));
  expect(records.map(({ kind }) => kind.case)).toContain("intentRefused");
});

describe("an intent that rests on a token", () => {
  const held = (given: Partial<TokenClaims> = {}) =>
    rootChain({ kind: "agent", holder: actorHolder(genesis.hash, from.path), maxDepth: 0, ...given });
  const textOf = (chain = held()) => capabilityText(chainBytes(chain));
  const authority = { ...portsOf(), capabilities: chainVerifier() };
  const send = (fields: Partial<OutgoingIntent>, target = "support/triage", uses: UsePorts = {}) => {
    const opened = open(trustStore(), uses, authority);
    const onReply = vi.fn();
    opened.sends.send(from, intentTo(target, { onReply, ...fields }));
    return { ...opened, code: onReply.mock.calls[0]?.[0]?.error?.code as string | undefined };
  };

  test("is begun at the same node, and on record with what it rests on", () => {
    const chain = held();
    const { code, records } = send({ capability: textOf(chain) });
    expect(code).toBeUndefined();
    const authorityOf = `capability ${toHex(chain.last.hash)} of ${toHex(chain.root.hash)}`;
    expect(records.map(({ kind }) => kind)).toContainEqual(
      expect.objectContaining({
        case: "intentAccepted",
        value: expect.objectContaining({ authority: authorityOf }),
      }),
    );
  });

  test("leaves for another node with it", () => {
    const { left } = send({ capability: textOf() }, "support/far");
    expect(must(decodeCapsule(left[0] ?? new Uint8Array())).capability).toEqual(chainBytes(held()));
  });

  test.for<[what: string, code: string, text: () => string]>([
    ["no base64url", "CAPABILITY_MALFORMED", () => "a token"],
    ["nothing", "CAPABILITY_MALFORMED", () => ""],
    ["more than a chain can be", "CAPABILITY_MALFORMED", () => "A".repeat(16_388)],
    ["no chain", "CAPABILITY_MALFORMED", () => "AAAA"],
    [
      "another actor's",
      "CAPABILITY_HOLDER_MISMATCH",
      () => textOf(held({ holder: actorHolder(genesis.hash, "support/triage") })),
    ],
  ])("of %s is answered with %s, and on record with the sender", ([, code, text]) => {
    const { code: heard, records } = send({ capability: text() });
    expect(heard).toBe(code);
    expect(records.map(({ kind }) => kind)).toContainEqual(
      expect.objectContaining({
        case: "intentRefused",
        value: expect.objectContaining({ source: from.path, intent: "ticket.open" }),
      }),
    );
  });

  test("that is used up is refused, and on record with the token", () => {
    const chain = held({ limits: { calls: 1 } });
    const count: UsePorts["count"] = (_use, _bytes, decided) =>
      decided(err(new CellError("CAPABILITY_SPENT")));
    const { code, records } = send({ capability: textOf(chain) }, "support/triage", { count });
    expect(code).toBe("CAPABILITY_SPENT");
    expect(records.map(({ kind }) => kind)).toContainEqual(
      expect.objectContaining({
        case: "intentRefused",
        value: expect.objectContaining({ token: chain.last.hash }),
      }),
    );
  });
});

describe("a node whose certificate was replaced", () => {
  const trust = trustStore();
  must(
    trust.add(certify({ key: keyOf(42).publicKey, principal: "a", kind: "node", generation: 2 }).bytes, NOW),
  );

  test("takes in nothing, not even for its kernel", () => {
    expect(whyOusted(trust.byKey(keys.nodeA.publicKey, NOW))?.code).toBe("CELL_NOT_ACCEPTING");
    expect(whyOusted(trust.byKey(keyOf(42).publicKey, NOW))).toBeUndefined();
  });

  test("lets its actors send to each other no more", () => {
    const { sends } = open(trust);
    const onReply = vi.fn();
    sends.send({ ...from, path: "support/triage" }, intentTo("support/router", { onReply }));
    expect(onReply).toHaveBeenCalledWith(
      expect.objectContaining({
        ok: false,
        error: expect.objectContaining({ code: "AUTHORITY_ISSUER_UNKNOWN" }),
      }),
    );
  });
});
