// Chains of tokens that count, and that do not: widened, broken, forged, too late. Each is judged alone by a
// node of the cell, which has seen none of the others.
import { create, toBinary } from "@bufbuild/protobuf";
import { SignedTokenSchema } from "../../src/gen/cell0/v1/capability_pb.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";
import { byBytes } from "../../src/security/capability/approval.ts";
import type { Constraint, Rule } from "../../src/security/capability/constraint.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import type { Permission } from "../../src/security/capability/permission.ts";
import { approveToken, signToken, type Token } from "../../src/security/capability/token.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { singleInput } from "../../src/security/wire/signing-input.ts";
import { genesis, keys, must, NOW } from "../../test/security/cell-fixture.ts";
import { changed, idOf } from "./bytes.ts";
import {
  bytesOfLinks,
  type Claims,
  claimsOf,
  handOn,
  mint,
  rawChain,
  SYSTEM,
  signedToken,
} from "./tokens.ts";

export type ChainVector = {
  readonly name: string;
  readonly chain: string;
  /** Who signs the capsule; empty: its node does, for `actor`. */
  readonly holder: string;
  readonly actor?: string;
  /** Absent: it counts. */
  readonly code?: string;
};

export const chainVector = (
  name: string,
  chain: Uint8Array,
  code?: string,
  holder: Uint8Array = keys.bob.publicKey,
): ChainVector => ({
  name,
  chain: toHex(chain),
  holder: toHex(holder),
  ...(code === undefined ? {} : { code }),
});

const [TRIAGE, ROUTER] = ["support/triage", "support/router"];
const actorVector = (name: string, chain: Uint8Array, code?: string, actor = TRIAGE): ChainVector => ({
  ...{ ...chainVector(`an actor's: ${name}`, chain, code, new Uint8Array()), actor },
});

/** What actors hold, and what they do not. */
function ofActors(): readonly ChainVector[] {
  const triage: Claims = { kind: "agent", holder: actorHolder(genesis.hash, TRIAGE), maxDepth: 0 };
  const root = mint();
  const narrowed = bytesOfLinks(root, handOn(root, triage));
  const once = mint({ kind: "ephemeral", notAfterUnixMs: NOW + 60_000 });
  const annsName = mint({ ...triage, holder: ann });
  const system = mint(SYSTEM);
  const elsewhere = { ...triage, holder: actorHolder(new Uint8Array(32), TRIAGE) };
  const [mismatch, follows] = ["CAPABILITY_HOLDER_MISMATCH", "CAPABILITY_CHAIN_BROKEN"];
  return [
    actorVector("minted for it", bytesOfLinks(mint(triage))),
    actorVector("narrowed to it", narrowed),
    actorVector("narrowed to it from one that serves once", bytesOfLinks(once, handOn(once, triage))),
    actorVector("used by another actor", narrowed, mismatch, ROUTER),
    chainVector("an actor's: used by who narrowed it", narrowed, mismatch, ann),
    chainVector("an actor's: used by a key that it names", bytesOfLinks(annsName), mismatch, ann),
    actorVector(
      "of a key that equals its name",
      bytesOfLinks(mint({ holder: triage.holder ?? ann })),
      mismatch,
    ),
    actorVector("of another cell", bytesOfLinks(mint(elsewhere)), mismatch),
    actorVector("narrowed to it from one of the kernel's", bytesOfLinks(system, handOn(system, triage))),
    actorVector(
      "with one of an actor behind it, signed by the key that it names",
      bytesOfLinks(annsName, handOn(annsName, { ...triage, maxDepth: 0 })),
      follows,
    ),
    chainVector(
      "an actor's: with a client's behind it, signed by the key that it names",
      bytesOfLinks(annsName, handOn(annsName, { kind: "user", maxDepth: 0 })),
      follows,
    ),
  ];
}

const [ann, bob] = [keys.ann.publicKey, keys.bob.publicKey];

/** On `/part` of a payload: a rule, one within it, and one that is not. */
const rules: readonly (readonly [name: string, outer: Rule, within: Rule, wider: Rule])[] = [
  [
    "a value",
    { kind: "equals", value: "open" },
    { kind: "oneOf", values: ["open"] },
    { kind: "equals", value: "closed" },
  ],
  [
    "some values",
    { kind: "oneOf", values: ["open", 7, true, null] },
    { kind: "equals", value: null },
    { kind: "oneOf", values: ["open", 8] },
  ],
  [
    "a beginning",
    { kind: "prefix", prefix: "docs/" },
    { kind: "prefix", prefix: "docs/api" },
    { kind: "prefix", prefix: "doc" },
  ],
  [
    "a range",
    { kind: "range", least: 0, most: 10.5 },
    { kind: "range", least: 0, most: 10 },
    { kind: "range", least: 0, most: undefined },
  ],
  [
    "a set",
    { kind: "subset", values: ["read", "write"] },
    { kind: "subset", values: ["read"] },
    { kind: "subset", values: ["read", "erase"] },
  ],
  [
    "a length",
    { kind: "maxLength", length: 8 },
    { kind: "maxLength", length: 0 },
    { kind: "maxLength", length: 9 },
  ],
];

const withRule = (...given: readonly Rule[]): Permission => {
  const constraints: Constraint[] = given.map((rule) => ({ path: "/part", rule }));
  return { intents: ["ticket.open"], targets: ["support/triage"], constraints };
};

function eightLinks(): Uint8Array {
  const links = [mint()];
  for (let at = 1; at < 8; at += 1) {
    const [key, holder] = at % 2 === 1 ? [keys.ann, bob] : [keys.bob, ann];
    links.push(handOn(links[at - 1] ?? mint(), { id: idOf(at + 1), holder }, key));
  }
  return bytesOfLinks(...links);
}

function thatCount(): readonly ChainVector[] {
  const root = mint();
  const all = mint({ permissions: [withRule(...rules.map(([, outer]) => outer))] });
  const both = [withRule(), { ...withRule(), intents: ["ticket.close"] }];
  return [
    chainVector("a root", bytesOfLinks(root), undefined, ann),
    chainVector(
      "a root that begins within the clocks' difference",
      bytesOfLinks(mint({ notBeforeUnixMs: NOW + 5_000 })),
      undefined,
      ann,
    ),
    chainVector(
      "a root in its last millisecond",
      bytesOfLinks(mint({ notAfterUnixMs: NOW + 1 })),
      undefined,
      ann,
    ),
    chainVector("a root with each kind of constraint", bytesOfLinks(all), undefined, ann),
    chainVector(
      "two links, of which the second is as its parent, but for the depth",
      bytesOfLinks(root, handOn(root)),
    ),
    chainVector("eight links", eightLinks()),
    chainVector(
      "a link that keeps one permission of two",
      bytesOfLinks(
        mint({ permissions: both }),
        handOn(mint({ permissions: both }), { permissions: [withRule()] }),
      ),
    ),
    chainVector(
      "a link within its parent's patterns",
      bytesOfLinks(root, handOn(root, { permissions: [withRule({ kind: "equals", value: 1 })] })),
    ),
    ...rules.map(([name, outer, within]) => {
      const parent = mint({ permissions: [withRule(outer)] });
      return chainVector(
        `a link within its parent's constraint: ${name}`,
        bytesOfLinks(parent, handOn(parent, { permissions: [withRule(within)] })),
      );
    }),
  ];
}

/** A link that is wider than its parent in one thing. */
function widened(): readonly ChainVector[] {
  const parent = {
    maxDepth: 2,
    limits: { calls: 10 },
    permissions: [withRule(), { intents: ["ticket.close"], targets: ["support/router"], constraints: [] }],
  };
  const of = (name: string, wider: Claims, given: Claims = {}) => {
    const root = mint({ ...parent, ...given });
    return chainVector(`wider: ${name}`, bytesOfLinks(root, handOn(root, wider)), "CAPABILITY_WIDENED");
  };
  const permission = (change: Partial<Permission>): Claims => ({
    permissions: [{ ...withRule(), ...change }],
  });
  return [
    of("another kind", { kind: "federation" }),
    of("another scope", { scope: "billing" }),
    of("another epoch", { epoch: 0 }, { epoch: 1 }),
    of("an earlier begin", { notBeforeUnixMs: NOW - 1_001 }),
    of("a later end", { notAfterUnixMs: NOW + 3_600_001 }),
    of("the same depth", { maxDepth: 2 }),
    of("a depth where none is left", { maxDepth: 0 }, { maxDepth: 0 }),
    of("a higher limit", { limits: { calls: 11 } }),
    of("a limit less", { limits: {} }),
    of("another intent", permission({ intents: ["ticket.open", "ticket.erase"] })),
    of("another target", permission({ targets: ["support/billing"] })),
    of("a wildcard for one token", permission({ intents: ["ticket.*"] })),
    of(
      "an open end for one token",
      permission({ targets: ["support/**"] }),
      permission({ targets: ["support/*"] }),
    ),
    of("a kernel's target that no wildcard names", permission({ targets: ["kernel/graph"] }), {
      ...permission({ targets: ["**"] }),
      kind: "ephemeral",
      notAfterUnixMs: NOW + 60_000,
    }),
    of(
      "two permissions in one",
      permission({ intents: ["ticket.open", "ticket.close"], targets: ["support/triage", "support/router"] }),
    ),
    of("a constraint less", permission({}), { permissions: [withRule({ kind: "maxLength", length: 3 })] }),
    of(
      "a constraint on another part",
      {
        permissions: [
          { ...withRule(), constraints: [{ path: "/other", rule: { kind: "maxLength", length: 3 } }] },
        ],
      },
      { permissions: [withRule({ kind: "maxLength", length: 3 })] },
    ),
    of(
      "a constraint of another kind",
      { permissions: [withRule({ kind: "prefix", prefix: "a" })] },
      { permissions: [withRule({ kind: "maxLength", length: 3 })] },
    ),
    ...rules.map(([name, outer, , wider]) =>
      of(
        `its parent's constraint, ${name}`,
        { permissions: [withRule(wider)] },
        { permissions: [withRule(outer)] },
      ),
    ),
  ];
}

/** Of the kernel's own actors, of graphs' alone, and of both. */
function ofKinds(): readonly ChainVector[] {
  const [system, user] = [mint(SYSTEM), mint()];
  const brief: Claims = { kind: "ephemeral", notAfterUnixMs: NOW + 60_000 };
  const both: Claims["permissions"] = [
    { intents: ["**"], targets: ["support/**", "kernel/**"], constraints: [] },
  ];
  const [onceBoth, federation] = [mint({ ...brief, permissions: both }), mint({ kind: "federation" })];
  const actors: Claims = { kind: "agent", holder: actorHolder(genesis.hash, TRIAGE), maxDepth: 0 };
  const graph: Claims = {
    permissions: [{ intents: ["graph.get"], targets: ["kernel/graph"], constraints: [] }],
  };
  const wider = "CAPABILITY_WIDENED";
  const count = (name: string, root: Token, ...links: readonly Token[]) =>
    chainVector(`of a kind: ${name}`, bytesOfLinks(root, ...links), undefined, links.length > 0 ? bob : ann);
  const widen = (name: string, root: Token, given: Claims) =>
    chainVector(`of another kind: ${name}`, bytesOfLinks(root, handOn(root, given)), wider);
  return [
    count("system, a root", system),
    count("system, narrowed to system", system, handOn(system, graph)),
    count("system, narrowed to one that serves once", system, handOn(system, { ...graph, ...brief })),
    count("one that serves once, for both", onceBoth),
    count("one that serves once, narrowed to the kernel", onceBoth, handOn(onceBoth, graph)),
    actorVector("minted for it, for both", bytesOfLinks(mint({ ...actors, permissions: both }))),
    widen("user, narrowed to system", user, SYSTEM),
    widen("system, narrowed to user", system, { kind: "user", permissions: user.permissions }),
    widen("system, narrowed to another cell's", system, { kind: "federation" }),
    widen("one that serves once, narrowed to system", onceBoth, { ...graph, kind: "system" }),
    widen("one that serves once, narrowed to user", onceBoth, {
      kind: "user",
      permissions: user.permissions,
    }),
    widen("system, narrowed to a graph's actor for once", system, {
      ...brief,
      permissions: user.permissions,
    }),
    widen("user, narrowed to the kernel for once", user, { ...brief, ...graph }),
    widen("another cell's, narrowed to user", federation, { kind: "user" }),
    actorVector(
      "narrowed to it from another cell's",
      bytesOfLinks(federation, handOn(federation, actors)),
      wider,
    ),
  ];
}

/** Links that do not follow one another, or that somebody else signed. */
function broken(): readonly ChainVector[] {
  const root = mint();
  const link = handOn(root);
  const elsewhere = must(signToken(claimsOf(), keys.issuer, new Uint8Array(32)));
  const asCapsule = keys.issuer.sign(singleInput(genesis.hash, keys.issuer.publicKey, sha256(root.body)));
  const forged = keys.stranger.sign(link.body);
  const uncertified = handOn(root, { holder: keys.stranger.publicKey });
  const beyond = handOn(uncertified, { id: idOf(3) }, keys.stranger);
  const [follows, signature, authority] = [
    "CAPABILITY_CHAIN_BROKEN",
    "CAPABILITY_SIGNATURE_INVALID",
    "CAPABILITY_AUTHORITY_UNKNOWN",
  ];
  return [
    chainVector("broken: a root with a parent", bytesOfLinks(mint({ parent: link.hash })), follows, ann),
    chainVector("broken: a link of another parent", bytesOfLinks(mint({ id: idOf(9) }), link), follows),
    chainVector(
      "broken: a link without a parent",
      bytesOfLinks(root, handOn(root, { parent: new Uint8Array() })),
      follows,
    ),
    chainVector("broken: a link twice", bytesOfLinks(root, root, link), follows),
    chainVector(
      "broken: a link that its parent's holder did not sign",
      bytesOfLinks(root, handOn(root, {}, keys.bob)),
      follows,
    ),
    chainVector("broken: without its root", bytesOfLinks(link), authority),
    chainVector("broken: in another order", bytesOfLinks(link, root), authority, ann),
    chainVector("forged: a root that a client signed", bytesOfLinks(mint({}, keys.bob)), authority, ann),
    chainVector(
      "counts: a root that a node of shard 0 signed",
      bytesOfLinks(mint({}, keys.nodeA)),
      undefined,
      ann,
    ),
    chainVector(
      "forged: a root that another node signed",
      bytesOfLinks(mint({}, keys.nodeB)),
      authority,
      ann,
    ),
    chainVector("forged: a root that genesis signed", bytesOfLinks(mint({}, keys.genesis)), authority, ann),
    chainVector("forged: a changed signature", rawChain(root.bytes, changed(link.bytes, -1)), signature),
    chainVector(
      "forged: a stranger's signature in its holder's name",
      rawChain(root.bytes, signedToken(link.body, forged)),
      signature,
    ),
    chainVector("forged: signed for another cell", bytesOfLinks(elsewhere), signature, ann),
    chainVector(
      "forged: signed as a capsule is",
      rawChain(signedToken(root.body, asCapsule)),
      signature,
      ann,
    ),
    chainVector(
      "handed on by a key that is not certified",
      bytesOfLinks(root, uncertified, beyond),
      "CAPABILITY_HOLDER_WITHDRAWN",
    ),
  ];
}

function notNow(): readonly ChainVector[] {
  const late = (given: Claims) => bytesOfLinks(mint(given));
  return [
    chainVector("at its end", late({ notAfterUnixMs: NOW }), "CAPABILITY_EXPIRED", ann),
    chainVector(
      "a millisecond beyond the clocks' difference before its begin",
      late({ notBeforeUnixMs: NOW + 5_001 }),
      "CAPABILITY_NOT_YET_VALID",
      ann,
    ),
    chainVector("of an epoch to come", late({ epoch: 1 }), "CAPABILITY_REVOCATIONS_UNHEARD", ann),
    chainVector("used by another than its holder", late({}), "CAPABILITY_HOLDER_MISMATCH"),
    chainVector(
      "used by who handed it on",
      bytesOfLinks(mint(), handOn(mint())),
      "CAPABILITY_HOLDER_MISMATCH",
      ann,
    ),
    chainVector("used by its issuer", late({}), "CAPABILITY_HOLDER_MISMATCH", keys.issuer.publicKey),
  ];
}

/** By two of three; one of them is nobody whom the cell has certified. */
function approved(): readonly ChainVector[] {
  const approvers = [keys.stranger, keys.nodeA, keys.nodeB].map(({ publicKey }) => publicKey).sort(byBytes);
  const asked = mint({ approval: { needed: 2, approvers } });
  const child = handOn(asked, { approval: undefined });
  const by = (...signers: readonly SigningKey[]): Token =>
    signers.reduce((each, signer) => must(approveToken(each, signer, genesis.hash)), asked);
  const whole = by(keys.nodeA, keys.nodeB);
  const [first, second] = whole.approvals;
  if (first === undefined || second === undefined) throw new Error("it has two approvals");
  const withApprovals = (...approvals: Token["approvals"]) => {
    const { body, signature } = asked;
    return rawChain(
      toBinary(SignedTokenSchema, create(SignedTokenSchema, { body, signature, approvals: [...approvals] })),
    );
  };
  const [missing, form] = ["CAPABILITY_NOT_APPROVED", "CAPABILITY_MALFORMED"];
  const forged = { approver: second.approver, signature: first.signature };
  return [
    chainVector("approved by two of three", bytesOfLinks(whole), undefined, ann),
    chainVector("approved by two of three, and narrowed", bytesOfLinks(whole, child)),
    chainVector("approved by one", bytesOfLinks(by(keys.nodeA)), missing, ann),
    chainVector("approved by nobody, and narrowed", bytesOfLinks(asked, child), missing),
    chainVector(
      "approved by one who does not count",
      bytesOfLinks(by(keys.nodeA, keys.stranger)),
      missing,
      ann,
    ),
    chainVector(
      "approved with another's signature",
      withApprovals(first, forged),
      "CAPABILITY_SIGNATURE_INVALID",
      ann,
    ),
    chainVector("approved in another order", withApprovals(second, first), form, ann),
    chainVector("approved by one, twice", withApprovals(first, first), form, ann),
  ];
}

export const chainVectors = (): readonly ChainVector[] => [
  ...thatCount(),
  ...widened(),
  ...ofKinds(),
  ...broken(),
  ...approved(),
  ...notNow(),
  ...ofActors(),
];
