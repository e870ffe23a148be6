// Capsules and batches about the bounds of their fields, which changes at random seldom meet: mostly
// right, with one field or two at its bound or a step beyond.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  Algorithm,
  EnvelopeSchema,
  IntentCapsuleSchema,
  type Priority,
} from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { buildTree, leafHash, rangePath, rootOf } from "../../../src/security/wire/merkle.ts";
import { batchInput } from "../../../src/security/wire/signing-input.ts";
import { bytesOf, genesis, INBOX, keys, NOW } from "../../security/cell-fixture.ts";

type Fields = MessageInitShape<typeof IntentCapsuleSchema>;

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const times = (text: string, ...counts: readonly number[]) => counts.map((count) => text.repeat(count));
const HUGE = [2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n];
const idBytes = [0, 15, 16, 17].map((length) => bytes(length, 2));
const paths = ["a/b", "a/b/c/d/e/f/g/h", "a/b/c/d/e/f/g/h/i", "", "a//b", "A", ...times("a", 63, 64)];
const longPath = [
  `${"a".repeat(63)}/`.repeat(7) + "a".repeat(63),
  `${"a".repeat(63)}.`.repeat(3) + "a".repeat(63),
];
const units = [...times("\u{1f600}", 512, 513), ...times("\u00e4", 1_024, 1_025)];
const inboxes = [
  ...[INBOX, `${INBOX}.a.b.c`, `${INBOX}.a.b.c.d`, `${INBOX}.`, "cell0.v1.demo.inbox.ann", "x"],
  ...times("a", 61, 62).map((token) => `${INBOX}${token}`),
  ...times("b", 58, 59, 60).map((token) => `cell0.v1.demo.inbox.ann.${[token, token, token].join(".")}`),
];
const trace = (traceparent: string, tracestate = "") => ({ traceparent, tracestate });
const parent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const error = { code: "A_1", message: "m", remedy: "r" };
const reply = { requestId: bytes(16), requestHash: bytes(32), final: true };
const asReply = (given: object): Fields => ({ target: INBOX, replyInbox: "", reply: { ...reply, ...given } });

/** Each is one that differs from what is right, or is just right. */
const steps: readonly Fields[] = [
  ...[0, 64, 65].map((hopLimit) => ({ hopLimit })),
  ...idBytes.flatMap((id) => [{ id }, { rootId: id }, { causeId: id }, { id, rootId: id }]),
  { id: bytes(16, 0), rootId: bytes(16, 0) },
  { causeId: bytes(16) },
  { causeId: bytes(16, 3), rootId: bytes(16, 4) },
  ...[...paths, ...longPath].map((target) => ({ target })),
  ...[...paths, ...longPath].map((path) => ({ intent: path.replaceAll("/", ".") })),
  ...[...times("t", 128, 129), "\u007f", "\u00e4", "\n", "~"].map((contentType) => ({ contentType })),
  ...[0n, 1n, ...HUGE].flatMap((unixMs) => [
    { issuedAt: { unixMs } },
    { deadlineUnixMs: unixMs },
    { epoch: unixMs },
  ]),
  ...[0, 4, 5].map((priority) => ({ priority: priority as Priority })),
  ...[12_288, 12_289].map((length) => ({ capability: bytes(length) })),
  ...times("s", 512, 513).map((state) => ({ trace: trace(parent, state) })),
  ...[trace("", "s"), trace(""), trace(parent.replace("00-", "01-")), trace(`${parent}-`)].map((each) => ({
    trace: each,
  })),
  ...[/a/g, /b/g].map((letter) => ({ trace: trace(parent.replace(letter, "0")) })),
  { trace: trace(parent.toUpperCase()) },
  ...inboxes.flatMap((replyInbox) => [{ replyInbox }, { ...asReply({}), target: replyInbox }]),
  ...HUGE.flatMap((most) => [
    { source: { actor: "a", sequence: most } },
    { source: { actor: "a", incarnation: { term: most } } },
    { source: { actor: "a", incarnation: { activation: most } } },
  ]),
  { source: {} },
  ...idBytes.flatMap((requestId) => [asReply({ requestId }), asReply({ requestId, error })]),
  ...[31, 32, 33].map((length) => asReply({ requestHash: bytes(length) })),
  asReply({ turnedAway: 1 }),
  asReply({ turnedAway: 2 ** 32 - 1, error }),
  asReply({ final: false }),
  asReply({ final: false, error }),
  { ...asReply({}), replyInbox: INBOX },
  { ...asReply({}), capability: bytes(1) },
  ...units.flatMap((text) => [
    asReply({ error: { ...error, message: text } }),
    asReply({ error: { ...error, remedy: text } }),
  ]),
  ...[...times("A", 64, 65), "", "a", "1A", "A b"].map((code) => asReply({ error: { ...error, code } })),
];

export const boundCapsule: fc.Arbitrary<Uint8Array> = fc
  .array(fc.constantFrom(...steps), { minLength: 1, maxLength: 2 })
  .map((all) => {
    const right: Fields = {
      ...{
        id: bytes(16),
        rootId: bytes(16),
        target: "support/triage",
        intent: "ticket.open",
        replyInbox: INBOX,
      },
      ...{ issuedAt: { unixMs: BigInt(NOW) }, deadlineUnixMs: BigInt(NOW + 1) },
    };
    return toBinary(IntentCapsuleSchema, create(IntentCapsuleSchema, Object.assign(right, ...all)));
  });

const leaves = Array.from({ length: 20 }, (_, at) => bytesOf({ id: bytes(16, at + 1) }));

/** A range of a batch with its path, and numbers that are signed as they are, right or wrong. */
export const batch: fc.Arbitrary<Uint8Array> = fc
  .record({
    count: fc.integer({ min: 1, max: leaves.length }),
    first: fc.nat(leaves.length),
    size: fc.nat(leaves.length),
    wrong: fc.constantFrom("none", "none", "longer", "shorter", "swapped", "count", "first", "root"),
    by: fc.constantFrom(-1, 1, 4_096),
  })
  .map(({ count, first, size, wrong, by }) => {
    const tree = buildTree(leaves.slice(0, count).map(leafHash));
    const from = first % count;
    const many = 1 + (size % (count - from));
    const path = rangePath(tree, from, many);
    const root = wrong === "root" ? bytes(32) : rootOf(tree);
    if (wrong === "longer") path.push(root);
    if (wrong === "shorter") path.pop();
    if (wrong === "swapped") path.reverse();
    const said = Math.max(0, wrong === "count" ? count + by : count);
    const signature = keys.ann.sign(
      batchInput(genesis.hash, keys.ann.publicKey, { batch: 1n, count: said, root }),
    );
    const firstIndex = Math.max(0, wrong === "first" ? from + by : from);
    const proof = {
      case: "merkle" as const,
      value: { signature, batch: 1n, count: said, firstIndex, root, path },
    };
    const capsules = leaves.slice(from, from + many);
    const message = { issuer: keys.ann.publicKey, algorithm: Algorithm.ED25519, capsules, proof };
    return toBinary(EnvelopeSchema, create(EnvelopeSchema, message));
  });
