// Any capsule within the bounds of capsule.proto.
import fc from "fast-check";
import type { Capsule, ReplyPart } from "../../../src/security/wire/capsule.ts";

const exactly = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const id = exactly(16).filter((bytes) => bytes.some((byte) => byte !== 0));
const token = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const joined = (separator: string) =>
  fc.array(token, { minLength: 1, maxLength: 8 }).map((tokens) => tokens.join(separator));
const printable = (maxLength: number) => fc.string({ unit: "grapheme-ascii", maxLength });
const safe = fc.maxSafeNat();
const uint32 = fc.nat(0xffff_ffff);
const hex = (size: number) =>
  exactly(size)
    .filter((b) => b.some((x) => x !== 0))
    .map((b) => Buffer.from(b).toString("hex"));
const inbox = fc
  .tuple(token, token, fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,22}$/), { minLength: 1, maxLength: 4 }))
  .map(([cell, principal, rest]) => `cell0.v1.${cell}.inbox.${principal}.${rest.join(".")}`);

const error = fc.record({
  code: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,30}$/),
  message: fc.string({ unit: "grapheme", maxLength: 40 }),
  remedy: fc.string({ unit: "grapheme", maxLength: 40 }),
  retryable: fc.boolean(),
  retryAfterMs: uint32,
});
const reply: fc.Arbitrary<ReplyPart> = fc
  .record({
    requestId: id,
    requestHash: exactly(32),
    index: uint32,
    final: fc.constant(true),
    error: fc.option(error, { nil: undefined }),
    turnedAway: uint32,
  })
  .map((part) => (part.error === undefined ? { ...part, turnedAway: 0 } : part));

const common = {
  id,
  rootId: id,
  causeId: id,
  hopLimit: fc.nat(64),
  intent: joined("."),
  contentType: printable(128),
  payload: fc.uint8Array({ maxLength: 300 }),
  issuedAt: fc.record({ unixMs: safe.map((n) => Math.max(1, n)), counter: uint32 }),
  deadlineUnixMs: safe.map((n) => Math.max(1, n)),
  priority: fc.constantFrom("critical" as const, "high" as const, "normal" as const, "low" as const),
  epoch: safe,
  tracestate: printable(60),
  traceparent: fc.tuple(hex(16), hex(8), hex(1)).map(([a, b, c]) => `00-${a}-${b}-${c}`),
  source: fc.option(
    fc.record({
      actor: joined("/"),
      incarnation: fc.option(fc.record({ term: safe, activation: safe }), { nil: undefined }),
      sequence: safe,
    }),
    { nil: undefined },
  ),
};

const intents: fc.Arbitrary<Capsule> = fc.record({
  ...common,
  target: joined("/"),
  replyInbox: fc.option(inbox, { nil: "" }),
  capability: fc.uint8Array({ maxLength: 40 }),
  reply: fc.constant(undefined),
});
const replies: fc.Arbitrary<Capsule> = fc.record({
  ...common,
  target: inbox,
  replyInbox: fc.constant(""),
  capability: fc.constant(new Uint8Array()),
  reply,
});

export const capsules: fc.Arbitrary<Capsule> = fc
  .oneof(intents, replies)
  .filter(({ id: own, causeId }) => Buffer.compare(own, causeId) !== 0);
