import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IntentCapsuleSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import {
  type Capsule,
  MAX_CAPABILITY_BYTES,
  MAX_CAPSULE_BYTES,
  MAX_PAYLOAD_BYTES,
} from "../../../src/security/wire/capsule.ts";
import { createIds, uuidV7 } from "../../../src/security/wire/capsule-id.ts";
import { decodeCapsule } from "../../../src/security/wire/decode-capsule.ts";
import { encodeCapsule } from "../../../src/security/wire/encode-capsule.ts";
import { bytesOf, capsuleOf, codeOf, INBOX, must, NOW } from "../cell-fixture.ts";
import { capsules } from "./capsule-arbitrary.ts";

const plain = (capsule: Capsule): unknown =>
  JSON.parse(
    JSON.stringify(capsule, (_key, value) => (value instanceof Uint8Array ? Array.from(value) : value)),
  );

const none = new Uint8Array();
const id = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);
const requestHash = new Uint8Array(32);
const reply = { requestId: other, requestHash, index: 0, final: true, error: undefined, turnedAway: 0 };
const error = { code: "ACTOR_CRASHED", message: "m", remedy: "r", retryable: true, retryAfterMs: 0 };
const asReply: Partial<Capsule> = { target: INBOX, replyInbox: "", reply };
const trace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const path = (tokens: number) => Array.from({ length: tokens }, () => "a").join("/");

/** One fault each; the field that is named. */
const faults: readonly (readonly [string, Partial<Capsule>, string])[] = [
  ["an id of 15 bytes", { id: new Uint8Array(15).fill(1), rootId: new Uint8Array(15).fill(1) }, "id"],
  ["an id of zeros", { id: new Uint8Array(16), rootId: new Uint8Array(16) }, "id"],
  ["no root id", { rootId: none }, "root_id"],
  ["a cause id of 4 bytes", { causeId: new Uint8Array(4) }, "cause_id"],
  ["another root without a cause", { id, rootId: other }, "root_id"],
  ["itself as its cause", { id, rootId: other, causeId: id }, "cause_id"],
  ["65 hops", { hopLimit: 65 }, "hop_limit"],
  ["an empty target", { target: "" }, "target"],
  ["capitals in the target", { target: "Support/triage" }, "target"],
  ["an empty token in the target", { target: "support//triage" }, "target"],
  ["a leading slash", { target: "/support" }, "target"],
  ["a line feed after the target", { target: "support\n" }, "target"],
  ["nine tokens in the target", { target: path(9) }, "target"],
  ["a token of 64 characters", { target: "a".repeat(64) }, "target"],
  ["a wildcard intent", { intent: "ticket.*" }, "intent"],
  ["an empty intent", { intent: "" }, "intent"],
  ["nine tokens in the intent", { intent: path(9).replaceAll("/", ".") }, "intent"],
  ["a long content type", { contentType: "a".repeat(129) }, "content_type"],
  ["a line feed in the content type", { contentType: "a\nb" }, "content_type"],
  ["no time of issue", { issuedAt: { unixMs: 0, counter: 0 } }, "issued_at"],
  ["a time beyond 2^53", { issuedAt: { unixMs: 2 ** 60, counter: 0 } }, "issued_at"],
  ["no deadline", { deadlineUnixMs: 0 }, "deadline_unix_ms"],
  ["an epoch beyond 2^53", { epoch: 2 ** 60 }, "epoch"],
  ["a traceparent of another version", { traceparent: trace.replace("00-", "01-") }, "trace.traceparent"],
  [
    "a traceparent of zeros",
    { traceparent: `00-${"0".repeat(32)}-${"b".repeat(16)}-01` },
    "trace.traceparent",
  ],
  ["a long tracestate", { traceparent: trace, tracestate: "a".repeat(513) }, "trace.tracestate"],
  ["an inbox with a wildcard", { replyInbox: "cell0.v1.demo.inbox.ann.>" }, "reply_inbox"],
  ["an inbox outside inboxes", { replyInbox: "cell0.v1.demo.in.ann.x" }, "reply_inbox"],
  ["an inbox with a space", { replyInbox: "cell0.v1.demo.inbox.ann.a b" }, "reply_inbox"],
  ["an inbox without an end", { replyInbox: "cell0.v1.demo.inbox.ann." }, "reply_inbox"],
  [
    "a source that is no path",
    { source: { actor: "A", incarnation: undefined, sequence: 0 } },
    "source.actor",
  ],
  [
    "a sequence beyond 2^53",
    { source: { actor: "a", incarnation: undefined, sequence: 2 ** 60 } },
    "source.sequence",
  ],
  [
    "a term beyond 2^53",
    { source: { actor: "a", incarnation: { term: 2 ** 60, activation: 0 }, sequence: 0 } },
    "source.incarnation.term",
  ],
  [
    "a capability of 12 KiB and a byte",
    { capability: new Uint8Array(MAX_CAPABILITY_BYTES + 1) },
    "capability",
  ],
  ["a reply with a capability", { ...asReply, capability: Uint8Array.of(1) }, "capability"],
  ["a reply to an actor", { ...asReply, target: "support/triage" }, "target"],
  ["a reply to a stock inbox of nobody", { ...asReply, target: "_INBOX.x.1" }, "target"],
  ["a reply to a stock inbox with a wildcard", { ...asReply, target: "_INBOX_ann.>" }, "target"],
  ["a stock tool's inbox for replies", { replyInbox: "_INBOX_ann.x.1" }, "reply_inbox"],
  ["a reply that wants a reply", { ...asReply, replyInbox: INBOX }, "reply_inbox"],
  ["a reply to no request", { ...asReply, reply: { ...reply, requestId: none } }, "reply.request_id"],
  ["a reply with a short hash", { ...asReply, reply: { ...reply, requestHash: none } }, "reply.request_hash"],
  ["an error that is not final", { ...asReply, reply: { ...reply, final: false, error } }, "reply.final"],
  [
    "an error without a code",
    { ...asReply, reply: { ...reply, error: { ...error, code: "" } } },
    "reply.error.code",
  ],
  [
    "a long error",
    { ...asReply, reply: { ...reply, error: { ...error, message: "a".repeat(1025) } } },
    "reply.error.message",
  ],
  [
    "an answer that turns copies away",
    { ...asReply, reply: { ...reply, turnedAway: 1 } },
    "reply.turned_away",
  ],
];

/** The message as a careless or hostile peer would write it. */
function unchecked(capsule: Capsule): Uint8Array {
  const { traceparent, tracestate, source, reply: part } = capsule;
  const message = create(IntentCapsuleSchema, {
    id: capsule.id,
    rootId: capsule.rootId,
    causeId: capsule.causeId,
    hopLimit: capsule.hopLimit,
    target: capsule.target,
    intent: capsule.intent,
    contentType: capsule.contentType,
    payload: capsule.payload,
    issuedAt: { unixMs: BigInt(capsule.issuedAt.unixMs), counter: capsule.issuedAt.counter },
    deadlineUnixMs: BigInt(capsule.deadlineUnixMs),
    priority: 3,
    epoch: BigInt(capsule.epoch),
    capability: capsule.capability,
    trace: { traceparent, tracestate },
    replyInbox: capsule.replyInbox,
    ...(source === undefined
      ? {}
      : {
          source: {
            actor: source.actor,
            sequence: BigInt(source.sequence),
            ...(source.incarnation === undefined
              ? {}
              : { incarnation: { term: BigInt(source.incarnation.term), activation: 0n } }),
          },
        }),
    ...(part === undefined
      ? {}
      : {
          reply:
            part.error === undefined ? { ...part, error: undefined } : { ...part, error: { ...part.error } },
        }),
  } as Parameters<typeof create<typeof IntentCapsuleSchema>>[1]);
  return toBinary(IntentCapsuleSchema, message);
}

describe("a capsule", () => {
  test("decoded after encoding is the same, for all capsules within bounds", () => {
    fc.assert(
      fc.property(capsules, (capsule) => {
        expect(plain(must(decodeCapsule(must(encodeCapsule(capsule)))))).toEqual(plain(capsule));
      }),
      { numRuns: 400 },
    );
  });

  test.each(faults)("with %s is neither made nor read", (_name, fields, field) => {
    const capsule = capsuleOf(fields);
    const expected = { ok: false, error: { code: "CAPSULE_FIELD_INVALID", details: { field } } };
    expect(encodeCapsule(capsule)).toMatchObject(expected);
    expect(decodeCapsule(unchecked(capsule))).toMatchObject(expected);
  });

  test("carries 64 KiB, and not a byte more", () => {
    expect(codeOf(decodeCapsule(bytesOf({ payload: new Uint8Array(MAX_PAYLOAD_BYTES) })))).toBe("ok");
    const large = capsuleOf({ payload: new Uint8Array(MAX_PAYLOAD_BYTES + 1) });
    expect(codeOf(encodeCapsule(large))).toBe("CAPSULE_PAYLOAD_TOO_LARGE");
    expect(codeOf(decodeCapsule(unchecked(large)))).toBe("CAPSULE_PAYLOAD_TOO_LARGE");
    expect(codeOf(decodeCapsule(new Uint8Array(MAX_CAPSULE_BYTES + 1)))).toBe("CAPSULE_TOO_LARGE");
  });

  test("carries a capability of 12 KiB", () => {
    const capability = new Uint8Array(MAX_CAPABILITY_BYTES);
    expect(must(decodeCapsule(bytesOf({ capability }))).capability).toEqual(capability);
  });

  test("of an unknown priority is refused, of an unspecified one reads as normal", () => {
    const bytes = bytesOf();
    // Field 11, varint, NORMAL.
    const at = bytes.findIndex((byte, index) => byte === 0x58 && bytes[index + 1] === 3);
    const withPriority = (priority: number) =>
      bytes.map((byte, index) => (index === at + 1 ? priority : byte));
    expect(must(decodeCapsule(withPriority(0))).priority).toBe("normal");
    expect(codeOf(decodeCapsule(withPriority(5)))).toBe("CAPSULE_FIELD_INVALID");
  });

  test("written are what the protobuf library writes for the same fields", () => {
    fc.assert(
      fc.property(capsules, (capsule) => {
        const bytes = must(encodeCapsule(capsule));
        expect(toBinary(IntentCapsuleSchema, fromBinary(IntentCapsuleSchema, bytes))).toEqual(bytes);
      }),
    );
  });

  test("read from arbitrary or mutated bytes is a capsule or a coded error, never an exception", () => {
    const valid = bytesOf({ source: { actor: "a", incarnation: { term: 1, activation: 2 }, sequence: 3 } });
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((edits) => {
        const bytes = Uint8Array.from(valid);
        for (const [at, byte] of edits) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        const decoded = decodeCapsule(bytes);
        if (!decoded.ok) expect(decoded.error.code).toMatch(/^CAPSULE_/);
        else expect(codeOf(encodeCapsule(decoded.value))).toBe("ok");
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("capsule ids", () => {
  test("are UUIDs of version 7 that carry their time", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 47), fc.uint8Array({ minLength: 10, maxLength: 10 }), (unixMs, random) => {
        const made = Buffer.from(uuidV7(unixMs, random));
        expect(made.readUIntBE(0, 6)).toBe(unixMs);
        expect((made[6] ?? 0) >> 4).toBe(7);
        expect((made[8] ?? 0) >> 6).toBe(2);
      }),
    );
  });

  test("do not step back when the clock does", () => {
    const times = [NOW, NOW - 60_000, NOW + 1];
    const next = createIds({
      nowUnixMs: () => times.shift() ?? 0,
      randomBytes: (size) => new Uint8Array(size),
    });
    const stamps = [next(), next(), next()].map((made) => Buffer.from(made).readUIntBE(0, 6));
    expect(stamps).toEqual([NOW, NOW, NOW + 1]);
  });
});
