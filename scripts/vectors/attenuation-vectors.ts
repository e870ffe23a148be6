// Tokens handed on by their holder: the bytes of the longer chain, id, times and key being given, or the code
// that whoever makes it must refuse with.
import { create, toJson } from "@bufbuild/protobuf";
import { TokenBodySchema } from "../../src/gen/cell0/v1/capability_pb.ts";
import { toHex } from "../../src/security/bytes.ts";
import { attenuate, type Chain, chainBytes } from "../../src/security/capability/chain.ts";
import type { Constraint } from "../../src/security/capability/constraint.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import { toPermission } from "../../src/security/capability/permission.ts";
import type { TokenClaims } from "../../src/security/capability/token.ts";
import { genesis, keyOf, keys, must, NOW } from "../../test/security/cell-fixture.ts";
import { idOf } from "./bytes.ts";
import { type Claims, chained, handOn, mint, SYSTEM } from "./tokens.ts";

/** By the byte that each of their seeds repeats. */
const SEEDS = { ann: 5, bob: 6, stranger: 7 };

const constraints: readonly Constraint[] = [
  { path: "/state", rule: { kind: "equals", value: "open" } },
  { path: "/owner", rule: { kind: "oneOf", values: ["ann", "bob", null] } },
  { path: "/subject", rule: { kind: "prefix", prefix: "Zoë’s" } },
  { path: "/amount", rule: { kind: "range", least: -0.5, most: 10 } },
  { path: "/least", rule: { kind: "range", least: 1, most: undefined } },
  { path: "/labels", rule: { kind: "subset", values: ["a", "b"] } },
  { path: "/text", rule: { kind: "maxLength", length: 0 } },
];

/** What the new link says; all else it takes over from its parent. */
const claimsOf = (parent: Chain, given: Claims): TokenClaims => ({
  ...parent.last,
  id: idOf(3),
  holder: keys.bob.publicKey,
  maxDepth: parent.last.maxDepth - 1,
  ...given,
});

function claimsToJson({ id, holder, permissions, notBeforeUnixMs, notAfterUnixMs, maxDepth }: TokenClaims) {
  const body = create(TokenBodySchema, {
    ...{ id, holder, maxDepth, permissions: permissions.map(toPermission) },
    notBeforeUnixMs: BigInt(notBeforeUnixMs),
    notAfterUnixMs: BigInt(notAfterUnixMs),
  });
  return toJson(TokenBodySchema, body);
}

function attenuation(
  name: string,
  parent: Chain,
  given: Claims & { readonly actor?: string },
  by: keyof typeof SEEDS = "ann",
  code?: string,
) {
  const { actor, ...more } = given;
  const held =
    actor === undefined ? {} : { kind: "agent" as const, holder: actorHolder(genesis.hash, actor) };
  const claims = { ...claimsOf(parent, more), ...held };
  const seed = SEEDS[by];
  const stated = {
    name,
    chain: toHex(chainBytes(parent)),
    seed: toHex(new Uint8Array(32).fill(seed)),
    claims: claimsToJson(claims),
    ...(actor === undefined ? {} : { actor }),
  };
  if (code !== undefined) return { ...stated, code };
  const longer = must(attenuate(parent, claims, keyOf(seed), genesis.hash));
  return { ...stated, attenuated: toHex(chainBytes(longer)) };
}

export function attenuationVectors() {
  const root = chained(mint());
  const [first] = mint().permissions;
  const permissions = first === undefined ? [] : [{ ...first, constraints }];
  const two = chained(root.root, handOn(root.root));
  const limited = chained(mint({ limits: { calls: 10, memoryBytes: 0 }, scope: "billing", epoch: 3 }));
  const spent = chained(mint({ maxDepth: 0 }));
  const actors = chained(mint({ kind: "agent", maxDepth: 0 }));
  return [
    attenuation("as its parent, once less", root, {}),
    attenuation("with every kind of constraint", root, { permissions }),
    attenuation("for a minute, never to be handed on", root, { notAfterUnixMs: NOW + 60_000, maxDepth: 0 }),
    attenuation("that begins later", root, { notBeforeUnixMs: NOW + 1 }),
    attenuation("of a chain of two", two, { holder: keys.stranger.publicKey }, "bob"),
    attenuation("with its parent's limits, scope and epoch", limited, {}),
    attenuation("of one that reaches the kernel", chained(mint(SYSTEM)), {}),
    attenuation("for an actor, of one that reaches the kernel", chained(mint(SYSTEM)), {
      ...{ actor: "support/triage", maxDepth: 0 },
    }),
    attenuation("for an actor", root, { actor: "support/triage", maxDepth: 0 }),
    attenuation(
      "of an actor's",
      actors,
      { actor: "support/triage", maxDepth: 0 },
      "ann",
      "CAPABILITY_HOLDER_MISMATCH",
    ),
    attenuation("by another than its holder", root, {}, "stranger", "CAPABILITY_HOLDER_MISMATCH"),
    attenuation("by who handed it on", two, {}, "ann", "CAPABILITY_HOLDER_MISMATCH"),
    attenuation("as often to be handed on", root, { maxDepth: 7 }, "ann", "CAPABILITY_WIDENED"),
    attenuation("of what may not be handed on", spent, { maxDepth: 0 }, "ann", "CAPABILITY_WIDENED"),
    attenuation("with an earlier begin", root, { notBeforeUnixMs: NOW - 1_001 }, "ann", "CAPABILITY_WIDENED"),
    attenuation("with a later end", root, { notAfterUnixMs: NOW + 3_600_001 }, "ann", "CAPABILITY_WIDENED"),
  ];
}
