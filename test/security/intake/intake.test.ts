import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256, toHex } from "../../../src/security/bytes.ts";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import type { IntakeLimits, IntakePorts } from "../../../src/security/intake/intake.ts";
import { type Doubt, type Opinion, STAGES, type Verdict } from "../../../src/security/intake/verdict.ts";
import { verifyByRule } from "../../../src/security/keys/verify.ts";
import { ReplayWindow } from "../../../src/security/replay/replay-window.ts";
import type { Capsule } from "../../../src/security/wire/capsule.ts";
import { decodeEnvelope, type Envelope } from "../../../src/security/wire/envelope.ts";
import { sealBatch } from "../../../src/security/wire/seal.ts";
import { signedOf } from "../../../src/security/wire/verify-envelope.ts";
import { rootChain } from "../capability/token-fixture.ts";
import {
  bytesOf,
  CELL,
  certify,
  genesis,
  INBOX,
  intakeOf,
  keys,
  must,
  NOW,
  nextId,
  SUBJECT,
  sealed,
  sealingOf,
  trustStore,
} from "../cell-fixture.ts";
import { oddSignature, sealedOddly } from "../keys/odd-signature.ts";

type Case = {
  readonly data?: Uint8Array;
  readonly fields?: Partial<Capsule>;
  readonly key?: (typeof keys)["ann"];
  readonly subject?: string;
  readonly natsReply?: string;
  readonly ports?: Partial<IntakePorts>;
  readonly limits?: Partial<IntakeLimits>;
};

function admit(given: Case = {}, intake = intakeOf(given.ports, given.limits)): Verdict {
  const { data = sealed(given.fields, given.key ?? keys.ann), subject = SUBJECT, natsReply } = given;
  const verdicts = intake.admit({ subject, data, natsReply, nowUnixMs: NOW });
  expect(verdicts.length).toBe(1);
  const [only] = verdicts;
  if (only === undefined) throw new Error("no verdict");
  return only;
}

const at = (principal: string, path: string) => `cell0.v1.${CELL}.in.${principal}.${path}`;
const far = { actor: "support/far", incarnation: undefined, sequence: 1 };
const fromB = {
  fields: { source: far, replyInbox: "" },
  key: keys.nodeB,
  subject: at("b", "support.triage"),
};
const toKernel = {
  fields: { target: "kernel/graph", intent: "graph.get" },
  subject: at("ann", "kernel.graph"),
};
const grantOf = (intents: string[], targets: string[]) => () => [{ grants: [{ intents, targets }] }];
const revoked = () => {
  const trust = trustStore();
  must(trust.add(certify({ generation: 2, revoked: true }).bytes, NOW));
  return trust;
};

/** One fault each: stage and code. */
const refusals: readonly (readonly [string, Case, (typeof STAGES)[number], string])[] = [
  [
    "a subject of another cell",
    { subject: SUBJECT.replace("demo", "other") },
    "subject",
    "CAPSULE_SUBJECT_INVALID",
  ],
  [
    "a subject that is no intent's",
    { subject: "cell0.v1.demo.events.a.x" },
    "subject",
    "CAPSULE_SUBJECT_INVALID",
  ],
  ["a subject of nine tokens", { subject: `${SUBJECT}.c.d.e.f.g.h.i` }, "subject", "CAPSULE_SUBJECT_INVALID"],
  ["a message beyond the limit", { data: new Uint8Array(1024 * 1024 + 1) }, "size", "CAPSULE_TOO_LARGE"],
  ["no bytes", { data: new Uint8Array() }, "decode", "CAPSULE_ALGORITHM_UNKNOWN"],
  ["text", { data: new TextEncoder().encode("hello") }, "decode", "CAPSULE_MALFORMED"],
  ["a stranger", { key: keys.stranger }, "issuer", "AUTHORITY_ISSUER_UNKNOWN"],
  [
    "the issuer's key",
    { key: keys.issuer, subject: at("issuer", "support.triage") },
    "issuer",
    "AUTHORITY_KIND_FORBIDDEN",
  ],
  [
    "another's name on the subject",
    { subject: at("bob", "support.triage") },
    "issuer",
    "AUTHORITY_PRINCIPAL_MISMATCH",
  ],
  ["a withdrawn client", { ports: { trust: revoked() } }, "issuer", "AUTHORITY_REVOKED"],
  [
    "another target than the subject's",
    { subject: at("ann", "support.router") },
    "target",
    "CAPSULE_TARGET_MISMATCH",
  ],
  [
    "a target that nobody has",
    { fields: { target: "support/none" }, subject: at("ann", "support.none") },
    "target",
    "ACTOR_NOT_FOUND",
  ],
  [
    "a reply",
    {
      fields: {
        target: INBOX,
        replyInbox: "",
        reply: {
          requestId: nextId(),
          requestHash: new Uint8Array(32),
          index: 0,
          final: true,
          error: undefined,
          turnedAway: 0,
        },
      },
    },
    "target",
    "CAPSULE_NOT_AN_INTENT",
  ],
  [
    "another's inbox",
    { fields: { replyInbox: "cell0.v1.demo.inbox.bob.x" } },
    "inbox",
    "CAPSULE_INBOX_FOREIGN",
  ],
  [
    "a longer name's inbox",
    { fields: { replyInbox: "cell0.v1.demo.inbox.ann-e.x" } },
    "inbox",
    "CAPSULE_INBOX_FOREIGN",
  ],
  [
    "another cell's inbox",
    { fields: { replyInbox: "cell0.v1.x.inbox.ann.x" } },
    "inbox",
    "CAPSULE_INBOX_FOREIGN",
  ],
  ["a deadline just passed", { fields: { deadlineUnixMs: NOW } }, "freshness", "CAPSULE_DEADLINE_PASSED"],
  [
    "a deadline in two hours",
    { fields: { deadlineUnixMs: NOW + 7_200_000 } },
    "freshness",
    "CAPSULE_DEADLINE_TOO_FAR",
  ],
  [
    "an old capsule",
    { fields: { issuedAt: { unixMs: NOW - 35_001, counter: 0 } } },
    "freshness",
    "CAPSULE_STALE",
  ],
  [
    "one of the future",
    { fields: { issuedAt: { unixMs: NOW + 5_001, counter: 0 } } },
    "freshness",
    "CAPSULE_FROM_FUTURE",
  ],
  [
    "one from before the start",
    { limits: { issuedAfterUnixMs: NOW } },
    "freshness",
    "CAPSULE_ISSUED_BEFORE_START",
  ],
  [
    "an intent that is not granted",
    { fields: { intent: "user.delete" } },
    "authority",
    "AUTHORITY_INTENT_FORBIDDEN",
  ],
  [
    "the kernel, by a wildcard",
    { ...toKernel, ports: { clientGrants: grantOf(["**"], ["**"]) } },
    "authority",
    "AUTHORITY_INTENT_FORBIDDEN",
  ],
  ["a client that speaks for an actor", { fields: { source: far } }, "authority", "AUTHORITY_SOURCE_INVALID"],
  [
    "a node without an actor",
    { ...fromB, fields: { replyInbox: "" } },
    "authority",
    "AUTHORITY_SOURCE_INVALID",
  ],
  [
    "a node for another's actor",
    { ...fromB, fields: { replyInbox: "", source: { ...far, actor: "support/router" } } },
    "authority",
    "AUTHORITY_SOURCE_INVALID",
  ],
  [
    "a node for an actor that does not exist",
    { ...fromB, fields: { replyInbox: "", source: { ...far, actor: "support/none" } } },
    "authority",
    "AUTHORITY_SOURCE_INVALID",
  ],
  [
    "an actor beyond its grants",
    { ...fromB, fields: { ...fromB.fields, intent: "ticket.close" } },
    "authority",
    "AUTHORITY_INTENT_FORBIDDEN",
  ],
  ["an old epoch", { ports: { currentEpoch: () => 1 } }, "authority", "AUTHORITY_EPOCH_STALE"],
  ["an epoch to come", { fields: { epoch: 1 } }, "authority", "AUTHORITY_EPOCH_UNKNOWN"],
  [
    "too many to remember",
    { ports: { replay: new ReplayWindow({ maxEntries: 0 }) } },
    "replay",
    "CAPSULE_REPLAY_WINDOW_FULL",
  ],
];

/** What a message holds whose signature is valid. */
function signedAhead(data: Uint8Array): Envelope | undefined {
  const envelope = decodeEnvelope(data);
  const signed = envelope.ok ? signedOf(envelope.value, genesis.hash) : undefined;
  if (!envelope.ok || signed === undefined) return undefined;
  const { publicKey, message, signature } = signed;
  return verifyByRule(publicKey, message, signature) ? envelope.value : undefined;
}

describe("intake refuses", () => {
  test.each(refusals)("%s", (_name, given, stage, code) => {
    const intake = intakeOf(given.ports, given.limits);
    const verdict = admit(given, intake);
    expect(verdict).toMatchObject({ kind: "refused", stage, error: { code } });
    expect(intake.refusals.totals()).toEqual({ [code]: 1 });
  });

  test.each(refusals)("%s, whether its signature was verified ahead or not", (_name, given, stage, code) => {
    const { data = sealed(given.fields, given.key ?? keys.ann), subject = SUBJECT, natsReply } = given;
    const signed = signedAhead(data);
    const intake = intakeOf(given.ports, given.limits);
    const [verdict] = intake.admit({ subject, data, natsReply, nowUnixMs: NOW, signed });
    expect(verdict).toMatchObject({ kind: "refused", stage, error: { code } });
  });

  test("and says what the capsule names: intent, epoch and token", () => {
    const chain = rootChain();
    expect(admit({ fields: { epoch: 1, capability: chainBytes(chain) } })).toMatchObject({
      request: { intent: "ticket.open" },
      epoch: 1,
      token: chain.root.hash,
    });
    const unread = admit({ data: Uint8Array.of(7) });
    expect(unread).toMatchObject({ kind: "refused", request: { intent: "unreadable" } });
    expect(unread).not.toHaveProperty("epoch");
  });

  test("a signature that is not the issuer's, or of another cell", () => {
    const data = sealed();
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
    expect(admit({ data })).toMatchObject({
      stage: "signature",
      error: { code: "CAPSULE_SIGNATURE_INVALID" },
    });
    const ports = { genesisHash: new Uint8Array(32) };
    expect(admit({ ports })).toMatchObject({
      stage: "signature",
      error: { code: "CAPSULE_SIGNATURE_INVALID" },
    });
  });
});

describe("intake accepts", () => {
  test("a client by its certificate, with everything that an actor's host needs", () => {
    const bytes = bytesOf({ priority: "high", epoch: 0 });
    const [data = new Uint8Array()] = sealBatch([[bytes]], sealingOf(keys.ann), 1n);
    const verdict = admit({ data });
    expect(verdict).toMatchObject({
      kind: "accepted",
      authority: "client certificate ann/1",
      replyTo: INBOX,
      intent: {
        hash: toHex(sha256(bytes)),
        type: "ticket.open",
        principal: "ann",
        source: "",
        causeId: "",
        epoch: 0,
        target: "support/triage",
        issuedAtUnixMs: NOW - 10,
        deadlineUnixMs: NOW + 5_000,
        priority: "high",
        hopLimit: 8,
        wantsReply: true,
      },
    });
  });

  test("a client by the manifest, and an actor of another node by its grants", () => {
    const bob = { fields: { replyInbox: "" }, key: keys.bob, subject: at("bob", "support.triage") };
    expect(admit(bob)).toMatchObject({
      kind: "accepted",
      authority: "grant of client bob",
      replyTo: undefined,
    });
    expect(admit(fromB)).toMatchObject({
      kind: "accepted",
      authority: "grant of support/far",
      intent: { source: "support/far", principal: "b" },
    });
  });

  test("the kernel for those who are granted it by name", () => {
    const ports = { clientGrants: grantOf(["graph.*"], ["kernel/graph"]) };
    expect(admit({ ...toKernel, ports })).toMatchObject({ kind: "accepted" });
  });

  test("the first and the last moment of the window", () => {
    const oldest = { issuedAt: { unixMs: NOW - 35_000, counter: 0 } };
    const newest = { issuedAt: { unixMs: NOW + 5_000, counter: 0 }, deadlineUnixMs: NOW + 3_600_000 };
    for (const fields of [oldest, newest]) expect(admit({ fields }).kind).toBe("accepted");
  });
});

describe("the order of the stages", () => {
  test("what is placed elsewhere is left to its node before anything is read", () => {
    const given = { subject: at("ann", "support.far"), data: new Uint8Array(3) };
    expect(admit(given)).toEqual({ kind: "elsewhere", node: "b" });
  });

  test("nothing is remembered that authority or any stage before it refuses", () => {
    for (const [, given, stage] of refusals) {
      if (stage === "replay") continue;
      const replay = new ReplayWindow();
      admit({ ...given, ports: { ...given.ports, replay } });
      expect(replay.size).toBe(0);
    }
  });

  test("a forger cannot occupy an id before its owner uses it", () => {
    const intake = intakeOf();
    const bytes = bytesOf();
    const forged = must2(sealBatch([[bytes]], sealingOf(keys.ann), 1n)[0]);
    forged[forged.length - 40] = (forged[forged.length - 40] ?? 0) ^ 1;
    expect(admit({ data: forged }, intake)).toMatchObject({ kind: "refused" });
    const real = must2(sealBatch([[bytes]], sealingOf(keys.ann), 1n)[0]);
    expect(admit({ data: real }, intake)).toMatchObject({ kind: "accepted" });
  });

  test("a capsule that the root of a batch does not cover, though that was verified ahead", () => {
    const signed = signedAhead(must2(sealBatch([[bytesOf(), bytesOf()]], sealingOf(keys.ann), 1n)[0]));
    if (signed === undefined) throw new Error("not signed");
    const other = { ...signed, capsules: [bytesOf({ intent: "ticket.close" }), bytesOf()] };
    const intake = intakeOf();
    const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
    const told = (envelope: Envelope) =>
      intake
        .admit({ ...arrival, signed: envelope })
        .map((each) => (each.kind === "refused" ? each.error.code : each.kind));
    expect(told(other)).toEqual(["CAPSULE_PROOF_INVALID", "CAPSULE_PROOF_INVALID"]);
    expect(told(signed)).toEqual(["accepted", "accepted"]);
  });

  test("a cheap refusal comes before a bad signature, a bad signature before authority", () => {
    const broken = (fields: Partial<Capsule>) => {
      const data = sealed(fields);
      data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
      return data;
    };
    expect(admit({ data: broken({ deadlineUnixMs: NOW }) })).toMatchObject({ stage: "freshness" });
    expect(admit({ data: broken({ intent: "user.delete" }) })).toMatchObject({ stage: "signature" });
  });
});

const must2 = (bytes: Uint8Array | undefined): Uint8Array => bytes ?? new Uint8Array();

describe("many capsules in one message", () => {
  test("get a verdict each, in order, under one signature", () => {
    const capsules = [
      bytesOf(),
      bytesOf({ deadlineUnixMs: NOW - 1 }),
      bytesOf({ intent: "user.delete" }),
      new Uint8Array([1, 2, 3]),
      bytesOf(),
    ];
    const [data = new Uint8Array()] = sealBatch([[...capsules, must2(capsules[0])]], sealingOf(keys.ann), 1n);
    const verdicts = intakeOf().admit({ subject: SUBJECT, data, natsReply: undefined, nowUnixMs: NOW });
    const summary = verdicts.map((verdict) => (verdict.kind === "refused" ? verdict.stage : verdict.kind));
    expect(summary).toEqual(["accepted", "freshness", "authority", "decode", "accepted", "duplicate"]);
  });

  test("are all refused when the one signature is bad", () => {
    const [data = new Uint8Array()] = sealBatch([[bytesOf(), bytesOf()]], sealingOf(keys.ann), 1n);
    const issuer = Buffer.from(data).indexOf(Buffer.from(keys.ann.publicKey));
    data.set(keys.bob.publicKey, issuer);
    const ports = { clientGrants: grantOf(["**"], ["**"]) };
    const verdicts = intakeOf(ports).admit({
      subject: at("bob", "support.triage"),
      data,
      natsReply: undefined,
      nowUnixMs: NOW,
    });
    expect(verdicts.map((verdict) => verdict.kind === "refused" && verdict.stage)).toEqual([
      "inbox",
      "inbox",
    ]);
  });
});

describe("the same capsule again", () => {
  test("is a duplicate with the stored reply; other bytes under its id are refused", () => {
    const replay = new ReplayWindow();
    const intake = intakeOf({ replay });
    const id = nextId();
    const data = sealed({ id, rootId: id });
    const first = admit({ data }, intake);
    if (first.kind !== "accepted") throw new Error("not accepted");
    expect(admit({ data }, intake)).toMatchObject({ kind: "duplicate", state: "pending", replyTo: INBOX });
    replay.storeReply(first.request.issuer, first.request.id, Uint8Array.of(7), true);
    expect(admit({ data }, intake)).toMatchObject({
      kind: "duplicate",
      state: "answered",
      replies: [Uint8Array.of(7)],
    });
    const other = { fields: { id, rootId: id, intent: "ticket.close" } };
    expect(admit(other, intake)).toMatchObject({ stage: "replay", error: { code: "CAPSULE_ID_REUSED" } });
  });

  test("does not let the answer to a forger's or another copy be stored as its reply", () => {
    const replay = new ReplayWindow();
    const intake = intakeOf({ replay });
    const id = nextId();
    const data = sealed({ id, rootId: id });
    admit({ data }, intake);
    const stolen = admit({ data, subject: at("bob", "support.triage") }, intake);
    const reused = admit({ fields: { id, rootId: id, intent: "ticket.close" } }, intake);
    for (const verdict of [stolen, reused]) {
      if (verdict.kind !== "refused") throw new Error("not refused");
      replay.storeReply(verdict.request.issuer, verdict.request.id, Uint8Array.of(6), true);
      replay.release(verdict.request.issuer, verdict.request.id);
    }
    expect(admit({ data }, intake)).toMatchObject({ kind: "duplicate", state: "pending", replies: [] });
  });

  test("is never accepted twice, however the clock moves", () => {
    const data = sealed();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -60_000, max: 60_000 }), { maxLength: 20 }), (offsets) => {
        const intake = intakeOf();
        const kinds = offsets.map(
          (offset) =>
            intake.admit({ subject: SUBJECT, data, natsReply: undefined, nowUnixMs: NOW + offset })[0]?.kind,
        );
        expect(kinds.filter((kind) => kind === "accepted").length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe("where a refusal may be answered", () => {
  const own = "cell0.v1.demo.inbox.ann.abc";
  test.each([
    ["the capsule's own inbox first", { key: keys.stranger, natsReply: own }, INBOX],
    ["the NATS reply subject, when nothing could be read", { data: new Uint8Array(), natsReply: own }, own],
    ["a stock tool's inbox", { data: new Uint8Array(), natsReply: "_INBOX_ann.abc.1" }, "_INBOX_ann.abc.1"],
    ["nowhere without one", { data: new Uint8Array() }, undefined],
    ["nowhere outside the sender's inboxes", { data: new Uint8Array(), natsReply: "_INBOX.abc" }, undefined],
    ["not another's inbox", { data: new Uint8Array(), natsReply: "cell0.v1.demo.inbox.bob.x" }, undefined],
    ["not another's stock inbox", { data: new Uint8Array(), natsReply: "_INBOX_bob.x" }, undefined],
    ["not an intent's subject", { data: new Uint8Array(), natsReply: SUBJECT }, undefined],
    ["not a kernel stream", { data: new Uint8Array(), natsReply: "cell0.v1.demo.trust.ann" }, undefined],
    [
      "not the broker's own subjects",
      { data: new Uint8Array(), natsReply: "$JS.API.STREAM.DELETE.X" },
      undefined,
    ],
    [
      "not another's inbox in the capsule",
      { fields: { replyInbox: "cell0.v1.demo.inbox.bob.x" } },
      undefined,
    ],
    ["nowhere when the subject is not the cell's", { subject: "x", natsReply: own }, undefined],
  ])("%s", (_name, given, expected) => {
    expect(admit(given)).toMatchObject({ kind: "refused", replyTo: expected });
  });

  test("the refusal names what it could read of the request", () => {
    const data = new TextEncoder().encode("hello");
    expect(admit({ data })).toMatchObject({ request: { id: new Uint8Array(), hash: sha256(data) } });
    const id = nextId();
    expect(admit({ fields: { id, rootId: id, deadlineUnixMs: NOW } })).toMatchObject({ request: { id } });
  });
});

describe("a signature that the quick verifier refuses", () => {
  const seed = new Uint8Array(32).fill(5);
  const capsule = bytesOf();
  const odd = sealedOddly(capsule, keys.ann, seed, genesis.hash);
  const arrival = { subject: SUBJECT, data: odd, natsReply: undefined, nowUnixMs: NOW };
  /** Judged by what the full verifier is to say. */
  const judged = (opinion: Opinion, data = odd) => {
    const doubts: Doubt[] = [];
    const late: Verdict[] = [];
    let judgeLater: (() => void) | undefined;
    const replay = new ReplayWindow();
    const intake = intakeOf({
      replay,
      onDoubt: (doubt, judge) => {
        doubts.push(doubt);
        judgeLater = () => late.push(...judge(opinion, NOW + 5));
        return true;
      },
    });
    const at = () => intake.admit({ ...arrival, data });
    const first = at();
    judgeLater?.();
    return { first, doubts, late, replay, intake, at };
  };

  test("is invalid where nobody else can be asked", () => {
    expect(intakeOf().admit(arrival)).toMatchObject([
      { kind: "refused", stage: "signature", error: { code: "CAPSULE_SIGNATURE_INVALID" } },
    ]);
  });

  test("is refused as undecided, at once, when the full verifier cannot be asked", () => {
    const intake = intakeOf({ onDoubt: () => false });
    expect(intake.admit(arrival)).toMatchObject([
      {
        kind: "refused",
        stage: "signature",
        error: { code: "CAPSULE_SIGNATURE_UNDECIDED", retryable: true },
      },
    ]);
  });

  test("is not judged until the full verifier has spoken, and then is what that says", () => {
    const { first, doubts, late, at } = judged("valid");
    expect(first).toEqual([]);
    expect(doubts).toMatchObject([{ principal: "ann", signed: { publicKey: keys.ann.publicKey } }]);
    expect(late).toMatchObject([{ kind: "accepted", intent: { principal: "ann" } }]);
    // It is known from now on, and was remembered like any other.
    expect(at()).toMatchObject([{ kind: "duplicate" }]);
    expect(doubts).toHaveLength(1);
  });

  test.for<[Opinion, string]>([
    ["invalid", "CAPSULE_SIGNATURE_INVALID"],
    ["undecided", "CAPSULE_SIGNATURE_UNDECIDED"],
  ])("when that says %s it is refused with %s, once, and nothing is remembered", ([opinion, code]) => {
    const { first, late, replay, intake } = judged(opinion);
    expect(first).toEqual([]);
    expect(late).toMatchObject([{ kind: "refused", stage: "signature", error: { code } }]);
    expect(intake.refusals.totals()).toEqual({ [code]: 1 });
    expect(replay.size).toBe(0);
  });

  test("of a capsule that is refused more cheaply nobody is asked", () => {
    const stale = bytesOf({ deadlineUnixMs: NOW - 1 });
    const { first, doubts } = judged("valid", sealedOddly(stale, keys.ann, seed, genesis.hash));
    expect(first).toMatchObject([{ kind: "refused", stage: "freshness" }]);
    expect(doubts).toEqual([]);
  });

  test("of a batch holds for all that the batch is spread over", () => {
    const key = { publicKey: keys.ann.publicKey, sign: (bytes: Uint8Array) => oddSignature(seed, bytes) };
    const sealing = { key: key as typeof keys.ann, genesisHash: genesis.hash };
    const [one = odd, two = odd] = sealBatch([[bytesOf()], [bytesOf()]], sealing, 7n);
    const { late, intake, doubts } = judged("valid", one);
    expect(late).toMatchObject([{ kind: "accepted" }]);
    expect(intake.admit({ ...arrival, data: two })).toMatchObject([{ kind: "accepted" }]);
    expect(doubts).toHaveLength(1);
  });
});

describe("whatever comes", () => {
  const valid = sealed();
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
    .map((edits) => {
      const bytes = Uint8Array.from(valid);
      for (const [position, byte] of edits) bytes[position] = byte;
      return bytes;
    });

  test("intake yields verdicts with a stage and a code, and accepts only what was signed", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated),
        fc.oneof(fc.constant(SUBJECT), fc.string({ maxLength: 80 })),
        fc.option(fc.string({ maxLength: 40 }), { nil: undefined }),
        (data, subject, natsReply) => {
          for (const verdict of intakeOf().admit({ subject, data, natsReply, nowUnixMs: NOW })) {
            if (verdict.kind === "accepted") expect(Buffer.compare(data, valid)).toBe(0);
            if (verdict.kind !== "refused") continue;
            expect(STAGES).toContain(verdict.stage);
            expect(verdict.stage).not.toBe("internal");
            expect(verdict.error.code).toMatch(/^(CAPSULE|AUTHORITY|ACTOR)_[A-Z_]+$/);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("a port that fails refuses the capsule, and remembers nothing", () => {
    const fail = () => {
      throw new Error("down");
    };
    const failing: readonly Partial<IntakePorts>[] = [
      { placementOf: fail },
      { trust: { byKey: fail } },
      { currentEpoch: fail },
      { observe: fail },
    ];
    for (const ports of failing) {
      const replay = new ReplayWindow();
      expect(admit({ ports: { ...ports, replay } })).toMatchObject({
        kind: "refused",
        stage: "internal",
        error: { code: "CAPSULE_INTAKE_FAILED" },
      });
      expect(replay.size).toBe(0);
    }
  });

  test("the genesis hash that the tests sign under is the cell's", () => {
    expect(genesis.hash.length).toBe(32);
  });
});
