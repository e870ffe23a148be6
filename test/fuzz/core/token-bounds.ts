// Tokens about the bounds of what they may hold, signed by the cell's authority; and uses of one
// about the bounds of what a payload may be.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type PermissionSchema,
  TokenBodySchema,
  TokenKind,
} from "../../../src/gen/cell0/v1/capability_pb.ts";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import type { Rule } from "../../../src/security/capability/constraint.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import { LIMIT_NAMES } from "../../../src/security/capability/token.ts";
import { rootChain } from "../../security/capability/token-fixture.ts";
import { bytesOf, genesis, keyOf, keys, NOW } from "../../security/cell-fixture.ts";
import { AGENT } from "../samples.ts";
import { fieldOf, writeFields } from "../wire-tree.ts";
import { signedAnew } from "./chain-keys.ts";
import type { Subject } from "./court.ts";

type Fields = MessageInitShape<typeof TokenBodySchema>;
type PermissionFields = MessageInitShape<typeof PermissionSchema>;

const many = <T>(count: number, of: T): T[] => Array.from({ length: count }, () => of);
const everything: PermissionFields = { intents: ["**"], targets: ["**"] };
const maxLength = { path: "/a", rule: { case: "maxLength" as const, value: 1 } };
const oneOf = (count: number) => ({
  path: "/a",
  rule: { case: "oneOf" as const, value: { values: many(count, "1") } },
});
const constrained = (...constraints: NonNullable<PermissionFields["constraints"]>) => ({
  permissions: [{ ...everything, constraints }],
});
const approvers = Array.from({ length: 9 }, (_, at) => keyOf(20 + at).publicKey).sort(Buffer.compare);
const [least, most] = [BigInt(NOW - 1_000), 8_640_000_000_000_000n];
const nonCanonical = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0xed : at === 31 ? 0x7f : 0xff));

const steps: readonly Fields[] = [
  ...[0, 16, 17].map((count) => ({ permissions: many(count, everything) })),
  ...[62, 63, 64].map((count) => ({ permissions: [{ intents: many(count, "a"), targets: ["a"] }] })),
  ...[31, 32, 33].map((count) => ({
    permissions: many(2, { intents: many(count - 1, "a"), targets: ["a"] }),
  })),
  ...[64, 65].map((count) => constrained(...many(count, maxLength))),
  ...[63, 64, 65].map((count) => constrained(oneOf(count))),
  ...[63, 64].map((count) => constrained(...many(3, oneOf(64)), oneOf(count), maxLength)),
  constrained(oneOf(0)),
  constrained({ path: "/a" }),
  ...[0, 1, 2 ** 32 - 1].map((value) => constrained({ path: "/a", rule: { case: "maxLength", value } })),
  ...[7, 8, 9].map((depth) => constrained({ ...maxLength, path: "/a".repeat(depth) })),
  ...[0, 7, 8].map((maxDepth) => ({ maxDepth })),
  ...[0, 1, 2, 4, 5, 6].map((kind) => ({ kind: kind as TokenKind })),
  ...[0, 1].flatMap((maxDepth) =>
    [0, 31, 32, 33].map((length) => ({
      ...{ kind: TokenKind.AGENT, maxDepth, holder: new Uint8Array(length).fill(7) },
    })),
  ),
  ...[0, 1].map((maxDepth) => ({ kind: TokenKind.AGENT, maxDepth, holder: nonCanonical })),
  { kind: TokenKind.AGENT, holder: actorHolder(genesis.hash, AGENT) },
  ...[300_000n, 300_001n].map((lasts) => ({ kind: TokenKind.EPHEMERAL, notAfterUnixMs: least + lasts })),
  ...[2_592_000_000n, 2_592_000_001n].flatMap((lasts) =>
    LIMIT_NAMES.map((name) => ({ limits: { [name]: 1n }, notAfterUnixMs: least + lasts })),
  ),
  ...[most, most + 1n, least, least - 1n].map((notAfterUnixMs) => ({ notAfterUnixMs })),
  ...[2n ** 53n - 1n, 2n ** 53n].flatMap((most) => [
    ...LIMIT_NAMES.map((name) => ({ limits: { [name]: most } })),
    { epoch: most },
    { notBeforeUnixMs: most },
  ]),
  ...["a".repeat(63), "a".repeat(64), "", "A"].map((scope) => ({ scope })),
  ...[0, 15, 16, 17].map((length) => ({ id: new Uint8Array(length) })),
  ...[0, 31, 32].map((length) => ({ parent: new Uint8Array(length) })),
  ...[new Uint8Array(32), nonCanonical, keys.ann.publicKey.subarray(1)].map((holder) => ({ holder })),
  ...[0, 1, 8, 9].map((needed) => ({ approval: { needed, approvers: approvers.slice(0, 8) } })),
  { approval: { needed: 1, approvers } },
  { approval: { needed: 1, approvers: approvers.slice(0, 2).reverse() } },
  { approval: { needed: 1, approvers: many(2, keys.ann.publicKey) } },
  { approval: {} },
];

export const boundTokens: readonly Subject[] = steps.map((given) => {
  const right: Fields = {
    ...{ id: new Uint8Array(16), kind: TokenKind.USER, issuer: keys.nodeA.publicKey, scope: "support" },
    ...{ holder: keys.ann.publicKey, permissions: [everything], notBeforeUnixMs: least },
    notAfterUnixMs: least + 60_000n,
  };
  const body = toBinary(TokenBodySchema, create(TokenBodySchema, Object.assign(right, given)));
  const link = signedAnew(body, keys.nodeA.publicKey);
  const holder = right.kind === TokenKind.AGENT ? { actor: AGENT } : keys.ann.publicKey;
  return { kind: "chain", bytes: writeFields([fieldOf(1, 2, link)]), holder };
});

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const list = (count: number) => `[${many(count, "1").join(",")}]`;
const one: Rule = { kind: "equals", value: 1 };
const uses: readonly (readonly [path: string, rule: Rule, payload: string])[] = [
  ...["0", "00", "01", "1", "-", "1e0", "+1", " 1", "999999999", "0000000001"].map(
    (index) => [`/${index}`, one, "[1,1]"] as const,
  ),
  ...[1_023, 1_024, 1_025].map((count) => ["", { kind: "subset", values: [1] }, list(count)] as const),
  ...[62, 63, 64, 65].map((depth) => ["/x", one, `{"x":1,"y":${nested(depth)}}`] as const),
  ...["", "null", "[]", "{}", "1", " 1 ", "\ufeff1"].map((payload) => ["", one, payload] as const),
  ...["\u{1f600}", "\u{1f600}a", "\\ud83d", "\\ud83d\\ude00"].flatMap((text) =>
    [0, 1, 2, 3].map((length) => ["", { kind: "maxLength", length }, `"${text}"`] as const),
  ),
];

export const boundUses: readonly Subject[] = uses.map(([path, rule, payload]) => {
  const permissions = [{ intents: ["**"], targets: ["**"], constraints: [{ path, rule }] }];
  const capability = chainBytes(rootChain({ permissions }));
  const bytes = bytesOf({ id: new Uint8Array(16).fill(1), capability, payload: Buffer.from(payload) });
  return { kind: "capsule", bytes, issuer: keys.ann.publicKey };
});
