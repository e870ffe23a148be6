import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { CapabilityChainSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { sha256 } from "../../../src/security/bytes.ts";
import {
  attenuate,
  type Chain,
  chainBytes,
  chainOf,
  checkLinks,
  readChain,
} from "../../../src/security/capability/chain.ts";
import type { Constraint } from "../../../src/security/capability/constraint.ts";
import { actorHolder, type Holder } from "../../../src/security/capability/holder.ts";
import { widened } from "../../../src/security/capability/narrower.ts";
import type { Permission } from "../../../src/security/capability/permission.ts";
import { permits } from "../../../src/security/capability/permits.ts";
import { signToken, type Token, type TokenClaims } from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { MAX_CAPABILITY_BYTES } from "../../../src/security/wire/capsule.ts";
import { codeOf, genesis, keyOf, keys, must, NOW } from "../cell-fixture.ts";
import { oddSignature } from "../keys/odd-signature.ts";
import {
  chainVerifier,
  everything,
  inEpoch,
  nothingRevoked,
  rootChain,
  tokenClaims,
  type VerifierPorts,
} from "./token-fixture.ts";

const idOf = (n: number) => new Uint8Array(16).fill(n);
const sign = (given: Partial<TokenClaims>, key: SigningKey): Token =>
  must(signToken(tokenClaims(given), key, genesis.hash));
const verify = (chain: Chain, holder = chain.last.holder, now = NOW, by = chainVerifier()) =>
  by.verify(chainBytes(chain), holder, now);

/** Narrower in every dimension, and handed on to bob. */
const narrower: Partial<TokenClaims> = {
  ...{
    id: idOf(2),
    holder: keys.bob.publicKey,
    maxDepth: 6,
    notAfterUnixMs: NOW + 30_000,
    limits: { calls: 5 },
  },
  permissions: [
    {
      intents: ["ticket.open"],
      targets: ["support/*"],
      constraints: [{ path: "/amount", rule: { kind: "range", least: 0, most: 10 } }],
    },
  ],
};

describe("a chain of capabilities", () => {
  test("is read as it was signed, with every kind of constraint and limit", () => {
    const given = tokenClaims({
      kind: "federation",
      limits: { memoryBytes: 1, cpuMilli: 2, storageBytes: 3, agents: 0, calls: 5, costMicro: 6 },
      permissions: [
        {
          intents: ["a.*"],
          targets: ["x/**"],
          constraints: [
            { path: "/a", rule: { kind: "equals", value: null } },
            { path: "/b", rule: { kind: "oneOf", values: ["x", 1.5, true] } },
            { path: "", rule: { kind: "prefix", prefix: "p" } },
            { path: "/c", rule: { kind: "range", least: -1, most: undefined } },
            { path: "/d", rule: { kind: "subset", values: ["r"] } },
            { path: "/e", rule: { kind: "maxLength", length: 0 } },
          ],
        },
      ],
    });
    const read = must(
      readChain(chainBytes(must(chainOf([must(signToken(given, keys.nodeA, genesis.hash))])))),
    );
    expect(read.last).toMatchObject(given);
    expect(read.last.issuer).toEqual(keys.nodeA.publicKey);
    expect(read.last.hash).toEqual(sha256(read.last.body));
  });

  test("counts for its holder, narrowed offline as often as it may be", () => {
    const once = must(attenuate(rootChain(), tokenClaims(narrower), keys.ann, genesis.hash));
    const twice = must(
      attenuate(
        once,
        tokenClaims({ ...narrower, id: idOf(3), holder: keyOf(9).publicKey, maxDepth: 0 }),
        keys.bob,
        genesis.hash,
      ),
    );
    for (const chain of [rootChain(), once, twice]) expect(codeOf(verify(chain))).toBe("ok");
    const more = attenuate(twice, tokenClaims({ ...narrower, maxDepth: 0 }), keyOf(9), genesis.hash);
    expect(codeOf(more)).toBe("CAPABILITY_WIDENED");
  });

  const desk = actorHolder(genesis.hash, "support/desk");
  const forDesk = tokenClaims({ kind: "agent", holder: desk, maxDepth: 0 });

  test("counts for the actor that it is narrowed to, and for nobody else", () => {
    for (const kind of ["user", "ephemeral"] as const) {
      const chain = must(attenuate(rootChain({ kind }), forDesk, keys.ann, genesis.hash));
      const by = (holder: Holder) => codeOf(chainVerifier().verify(chainBytes(chain), holder, NOW));
      expect(by({ actor: "support/desk" })).toBe("ok");
      expect(by({ actor: desk })).toBe("ok");
      for (const other of [{ actor: "support/des" }, { actor: "" }, desk, keys.ann.publicKey])
        expect(by(other)).toBe("CAPABILITY_HOLDER_MISMATCH");
    }
    const areOfOne = () => true;
    const ofAnn = rootChain({ kind: "agent", holder: keys.ann.publicKey, maxDepth: 0 });
    const kin = chainVerifier({ areOfOne });
    expect(codeOf(kin.verify(chainBytes(ofAnn), keys.bob.publicKey, NOW))).toBe("CAPABILITY_HOLDER_MISMATCH");
    const named = rootChain({ holder: desk });
    expect(codeOf(kin.verify(chainBytes(named), { actor: "support/desk" }, NOW))).toBe(
      "CAPABILITY_HOLDER_MISMATCH",
    );
  });

  test("of another cell's actor of the same path does not count", () => {
    const elsewhere = rootChain({ ...forDesk, holder: actorHolder(new Uint8Array(32), "support/desk") });
    expect(codeOf(chainVerifier().verify(chainBytes(elsewhere), { actor: "support/desk" }, NOW))).toBe(
      "CAPABILITY_HOLDER_MISMATCH",
    );
  });

  test("ends with an actor's link, whoever signs what follows", () => {
    // Of the name of an actor nobody has the key; here somebody does.
    const root = rootChain({ ...forDesk, holder: keys.ann.publicKey });
    expect(codeOf(attenuate(root, forDesk, keys.ann, genesis.hash))).toBe("CAPABILITY_HOLDER_MISMATCH");
    for (const kind of ["agent", "user", "ephemeral"] as const) {
      const claims = tokenClaims({ kind, maxDepth: 0, parent: root.last.hash });
      const link = must(signToken(claims, keys.ann, genesis.hash));
      const chain = must(chainOf([root.root, link]));
      expect(checkLinks(chain, genesis.hash)?.code).toBe("CAPABILITY_CHAIN_BROKEN");
      expect(widened(claims, root.last)).toBe(`its kind is ${kind}`);
    }
    expect(codeOf(signToken({ ...forDesk, maxDepth: 1 }, keys.nodeA, genesis.hash))).toBe(
      "CAPABILITY_MALFORMED",
    );
  });

  test.for<[what: string, wider: Partial<TokenClaims>]>([
    ["another kind", { kind: "federation" }],
    ["another scope", { scope: "billing" }],
    ["another epoch", { epoch: 1 }],
    ["an earlier begin", { notBeforeUnixMs: NOW - 2_000 }],
    ["a later end", { notAfterUnixMs: NOW + 60_001 }],
    ["the same depth", { maxDepth: 7 }],
    ["a higher limit", { limits: { calls: 11 } }],
    ["a limit less", { limits: {} }],
    ["another intent", { permissions: [{ ...everything, targets: ["support/triage"] }] }],
    [
      "a constraint less",
      { permissions: [{ intents: ["ticket.open"], targets: ["support/triage"], constraints: [] }] },
    ],
    [
      "two permissions in one",
      {
        permissions: [
          {
            intents: ["ticket.open", "ticket.close"],
            targets: ["support/triage", "support/router"],
            constraints: [],
          },
        ],
      },
    ],
  ])("cannot be narrowed by %s: not by its holder, and not by hand", ([, wider]) => {
    const constraint = { path: "/n", rule: { kind: "maxLength", length: 3 } } as const;
    const parent = rootChain({
      limits: { calls: 10 },
      permissions: [
        { intents: ["ticket.open"], targets: ["support/triage"], constraints: [constraint] },
        { intents: ["ticket.close"], targets: ["support/router"], constraints: [] },
      ],
    });
    const own: Partial<TokenClaims> = {
      ...{ maxDepth: 1, limits: { calls: 10 }, permissions: parent.root.permissions },
    };
    expect(codeOf(attenuate(parent, tokenClaims(own), keys.ann, genesis.hash))).toBe("ok");
    const child = tokenClaims({ ...own, ...wider });
    expect(codeOf(attenuate(parent, child, keys.ann, genesis.hash))).toBe("CAPABILITY_WIDENED");
    const forced = sign({ ...child, parent: parent.last.hash }, keys.ann);
    const by = chainVerifier({ revocations: inEpoch(child.epoch) });
    expect(codeOf(verify(must(chainOf([parent.root, forced])), undefined, NOW, by))).toBe(
      "CAPABILITY_WIDENED",
    );
  });

  test("that serves once lives five minutes at most", () => {
    const made = (ms: number) =>
      codeOf(
        signToken(
          tokenClaims({ kind: "ephemeral", notBeforeUnixMs: NOW, notAfterUnixMs: NOW + ms }),
          keys.nodeA,
          genesis.hash,
        ),
      );
    expect([made(300_000), made(300_001)]).toEqual(["ok", "CAPABILITY_MALFORMED"]);
  });

  test("any kind is narrowed to one that serves once, which is narrowed to no other", () => {
    const once = must(
      attenuate(rootChain(), tokenClaims({ kind: "ephemeral", maxDepth: 2 }), keys.ann, genesis.hash),
    );
    expect(codeOf(attenuate(once, tokenClaims({ kind: "user", maxDepth: 1 }), keys.ann, genesis.hash))).toBe(
      "CAPABILITY_WIDENED",
    );
  });

  const handedOn = must(attenuate(rootChain(), tokenClaims(narrower), keys.ann, genesis.hash));
  const { root, last } = handedOn;
  test.for<
    readonly [
      what: string,
      code: string,
      chain: () => Chain,
      holder?: Uint8Array | undefined,
      now?: number,
      ports?: VerifierPorts,
    ]
  >([
    ["used by another key", "CAPABILITY_HOLDER_MISMATCH", () => handedOn, keys.ann.publicKey],
    ["after its end", "CAPABILITY_EXPIRED", () => handedOn, undefined, NOW + 30_000],
    [
      "handed on by who was withdrawn",
      "CAPABILITY_HOLDER_WITHDRAWN",
      () => handedOn,
      undefined,
      NOW,
      { isStanding: (key) => Buffer.compare(key, keys.ann.publicKey) !== 0 },
    ],
    ["long before its begin", "CAPABILITY_NOT_YET_VALID", () => handedOn, undefined, NOW - 6_001],
    [
      "of an older epoch",
      "CAPABILITY_EPOCH_STALE",
      () => rootChain(),
      undefined,
      NOW,
      { revocations: inEpoch(1) },
    ],
    ["of an epoch to come", "CAPABILITY_REVOCATIONS_UNHEARD", () => rootChain({ epoch: 1 })],
    [
      "of an epoch to come, signed by nobody who may",
      "CAPABILITY_AUTHORITY_UNKNOWN",
      () => rootChain({ epoch: 1 }, keys.stranger),
    ],
    [
      "of an epoch to come, with a signature that is not valid",
      "CAPABILITY_SIGNATURE_INVALID",
      () => must(chainOf([must(signToken(tokenClaims({ epoch: 1 }), keys.nodeA, new Uint8Array(32)))])),
    ],
    ...[root, last].map((revoked) => {
      const isRevoked = (hash: Uint8Array) => Buffer.compare(hash, revoked.hash) === 0;
      const what = revoked === root ? "narrowed from one that is revoked" : "revoked";
      const ports: VerifierPorts = { revocations: { ...nothingRevoked, isRevoked } };
      return [what, "CAPABILITY_REVOKED", () => handedOn, undefined, NOW, ports] as const;
    }),
    [
      "at a node that has not heard what is revoked",
      "CAPABILITY_REVOCATIONS_UNHEARD",
      () => handedOn,
      undefined,
      NOW,
      {
        revocations: {
          ...nothingRevoked,
          unheard: () => new CellError("CAPABILITY_REVOCATIONS_UNHEARD"),
        },
      },
    ],
    ["whose root no authority signed", "CAPABILITY_AUTHORITY_UNKNOWN", () => rootChain({}, keys.stranger)],
    ["without its root", "CAPABILITY_AUTHORITY_UNKNOWN", () => must(chainOf([last]))],
    ["whose root has a parent", "CAPABILITY_CHAIN_BROKEN", () => rootChain({ parent: root.hash })],
    [
      "in another order",
      "CAPABILITY_AUTHORITY_UNKNOWN",
      () => must(chainOf([last, root])),
      keys.ann.publicKey,
    ],
    ["with a link twice", "CAPABILITY_CHAIN_BROKEN", () => must(chainOf([root, root, last]))],
    [
      "with a link that a stranger signed",
      "CAPABILITY_CHAIN_BROKEN",
      () => must(chainOf([root, sign({ ...narrower, parent: root.hash }, keys.stranger)])),
    ],
    [
      "with a link of another parent",
      "CAPABILITY_CHAIN_BROKEN",
      () => must(chainOf([sign({ id: idOf(7) }, keys.nodeA), last])),
    ],
    [
      "signed for another cell",
      "CAPABILITY_SIGNATURE_INVALID",
      () => must(chainOf([must(signToken(tokenClaims(), keys.nodeA, new Uint8Array(32)))])),
    ],
  ])("%s is refused with %s", ([, code, chain, holder, now, ports]) => {
    const made = chain();
    const by = chainVerifier(ports);
    expect(codeOf(verify(made, holder, now, by))).toBe(code);
    // Whose signature was not valid is not looked at again at once.
    const again = code === "CAPABILITY_SIGNATURE_INVALID" ? "CAPABILITY_UNDECIDED" : code;
    expect(codeOf(verify(made, holder, now, by))).toBe(again);
  });

  test("that was sound is judged anew by time, epoch, authority and what is revoked", () => {
    let [epoch, isAuthority, revoked] = [0, true, false];
    const revocations = { ...nothingRevoked, epochOf: () => epoch, isRevoked: () => revoked };
    const by = chainVerifier({ revocations, isAuthority: () => isAuthority });
    const code = (now = NOW) => codeOf(verify(handedOn, undefined, now, by));
    expect(code()).toBe("ok");
    expect(code(NOW + 30_000)).toBe("CAPABILITY_EXPIRED");
    isAuthority = false;
    expect(code()).toBe("CAPABILITY_AUTHORITY_UNKNOWN");
    [epoch, isAuthority] = [1, true];
    expect(code()).toBe("CAPABILITY_EPOCH_STALE");
    [epoch, revoked] = [0, true];
    expect(code()).toBe("CAPABILITY_REVOKED");
    revoked = false;
    expect(code()).toBe("ok");
  });

  test("is verified once: its signatures do not change", () => {
    let verified = 0;
    const by = chainVerifier({ verify: () => ++verified > 0 });
    for (let n = 0; n < 3; n += 1) expect(codeOf(verify(handedOn, undefined, NOW, by))).toBe("ok");
    expect(verified).toBe(2);
  });

  test("a signature that OpenSSL refuses is refused, though the rule admits it: anybody may send such ones", () => {
    const odd = {
      publicKey: keys.nodeA.publicKey,
      sign: (message: Uint8Array) => oddSignature(new Uint8Array(32).fill(3), message),
    } as SigningKey;
    expect(codeOf(verify(rootChain({}, odd)))).toBe("CAPABILITY_SIGNATURE_INVALID");
  });

  test("any bytes, and any change of sound ones, come to a coded refusal", () => {
    const sound = chainBytes(handedOn);
    const changed = fc
      .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((edits) => {
        const bytes = Uint8Array.from(sound);
        for (const [at, byte] of edits) bytes[at] = byte;
        return bytes;
      });
    const property = fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        changed,
        fc.nat(sound.length).map((end) => sound.subarray(0, end)),
      ),
      (bytes) => {
        if (Buffer.compare(bytes, sound) === 0) return;
        const code = codeOf(chainVerifier().verify(bytes, last.holder, NOW));
        expect(code).toMatch(/^CAPABILITY_/);
        expect(code).not.toBe("CAPABILITY_UNDECIDED");
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });

  test.for<[what: string, bytes: () => Uint8Array]>([
    ["no link", () => new Uint8Array()],
    [
      "nine links",
      () =>
        toBinary(CapabilityChainSchema, create(CapabilityChainSchema, { links: Array(9).fill(root.bytes) })),
    ],
    ["12 KiB and a byte", () => new Uint8Array(MAX_CAPABILITY_BYTES + 1)],
    ["a varint that is longer than it must be", () => longer(chainBytes(handedOn))],
    ["a link with such a varint", () => chainOfBytes(longer(root.bytes))],
    ["a link with its fields in another order", () => chainOfBytes(swapped(root))],
    ["a field that is not known", () => Uint8Array.of(...chainBytes(handedOn), 0x9a, 0x06, 0x00)],
  ])("with %s cannot be read", ([, bytes]) => {
    expect(codeOf(readChain(bytes()))).toBe("CAPABILITY_MALFORMED");
  });
});

const chainOfBytes = (...links: readonly Uint8Array[]): Uint8Array =>
  toBinary(CapabilityChainSchema, create(CapabilityChainSchema, { links: [...links] }));

/** Signature before body. */
function swapped({ bytes, signature }: Token): Uint8Array {
  const tail = 2 + signature.length;
  return Uint8Array.of(...bytes.subarray(-tail), ...bytes.subarray(0, -tail));
}

/** The first length takes a byte more. */
function longer(bytes: Uint8Array): Uint8Array {
  const end = bytes.findIndex((byte, at) => at > 0 && byte < 0x80);
  return Uint8Array.of(...bytes.subarray(0, end), (bytes[end] ?? 0) | 0x80, 0, ...bytes.subarray(end + 1));
}

describe("the law", () => {
  const token = fc.constantFrom("a", "kernel", "*", "*");
  const pattern = (separator: string) =>
    fc
      .tuple(fc.array(token, { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([tokens, isOpen]) => [...tokens, ...(isOpen ? ["**"] : [])].join(separator));
  const values = fc.subarray(["a", "ab", 1, 2], { minLength: 1 });
  const constraint: fc.Arbitrary<Constraint> = fc.record({
    path: fc.constantFrom("/x", "/y"),
    rule: fc.oneof(
      fc.constantFrom("a", 1).map((value) => ({ kind: "equals" as const, value })),
      fc.constantFrom("", "a", "ab").map((prefix) => ({ kind: "prefix" as const, prefix })),
      values.map((each) => ({ kind: "oneOf" as const, values: each })),
      values.map((each) => ({ kind: "subset" as const, values: each })),
      fc.nat(2).map((most) => ({ kind: "range" as const, least: undefined, most })),
      fc.nat(2).map((length) => ({ kind: "maxLength" as const, length })),
    ),
  });
  const permission: fc.Arbitrary<Permission> = fc.record({
    intents: fc.array(pattern("."), { minLength: 1, maxLength: 2 }),
    targets: fc.array(pattern("/"), { minLength: 1, maxLength: 2 }),
    constraints: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(constraint, { maxLength: 2 })),
  });
  const text = (separator: string) =>
    fc
      .array(fc.constantFrom("a", "b", "kernel"), { minLength: 1, maxLength: 3 })
      .map((tokens) => tokens.join(separator));
  const part = fc.constantFrom("", "a", "ab", 1, 2, ["a"], [1, "ab"]);
  const asked = fc.record({
    intent: text("."),
    target: text("/"),
    payload: fc.record({ x: part, y: part }, { requiredKeys: [] }),
  });

  /** How one link follows from its parent: narrowed as a holder may, or anything at all. */
  const step = fc.record({
    keep: fc.nat(3),
    literal: fc.constantFrom("a", "b"),
    where: fc.array(constraint, { maxLength: 1 }),
    anything: fc.option(fc.array(permission, { minLength: 1, maxLength: 2 }), { freq: 3 }),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
  const follow = (
    parent: readonly Permission[],
    { keep, literal, where, anything }: Step,
  ): readonly Permission[] => {
    const { intents, targets, constraints } = parent[keep % parent.length] ?? everything;
    const fixed = (pattern: string, separator: string) =>
      pattern
        .split(separator)
        .map((each) => (each === "*" ? literal : each))
        .join(separator);
    return (
      anything ?? [
        {
          intents: intents.map((each) => fixed(each, ".")),
          targets: targets.map((each) => fixed(each, "/")),
          constraints: [...constraints, ...where],
        },
      ]
    );
  };

  test("no sequence of attenuations authorises what the root did not, not even by links signed by hand", () => {
    const counts = { sound: 0, refused: 0, allowed: 0 };
    const property = fc.property(
      fc.array(permission, { minLength: 1, maxLength: 2 }),
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.array(asked, { minLength: 5, maxLength: 10 }),
      (first, steps, all) => {
        let chain = rootChain({ kind: "ephemeral", permissions: first });
        for (const each of steps) {
          const permissions = follow(chain.last.permissions, each);
          const next = tokenClaims({
            // Which may have targets of either sort.
            kind: "ephemeral",
            permissions,
            maxDepth: chain.last.maxDepth - 1,
            parent: chain.last.hash,
          });
          const forced = must(chainOf([...chain.links, sign(next, keys.ann)]));
          const isSound = attenuate(chain, next, keys.ann, genesis.hash).ok;
          expect(codeOf(verify(forced))).toBe(isSound ? "ok" : "CAPABILITY_WIDENED");
          counts[isSound ? "sound" : "refused"] += 1;
          if (isSound) chain = forced;
        }
        for (const { intent, target, payload } of all) {
          const allows = ({ permissions }: Token) =>
            permits({ permissions }, intent, target, () => payload) === undefined;
          if (!allows(chain.last)) continue;
          counts.allowed += 1;
          expect(chain.links.every(allows)).toBe(true);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
  });
});
