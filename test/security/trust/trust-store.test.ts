import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { issueCertificate, readCertificate } from "../../../src/security/trust/certificate.ts";
import { createGenesis, readGenesis } from "../../../src/security/trust/genesis.ts";
import { ISSUED_AFTER_MS, MAX_RETIRED } from "../../../src/security/trust/retired-keys.ts";
import { TrustStore } from "../../../src/security/trust/trust-store.ts";
import {
  annCertificate,
  certify,
  claimsOf,
  codeOf,
  genesis,
  issuerCertificate,
  keyOf,
  keys,
  must,
  NOW,
  nodeBCertificate,
  nodeCertificate,
  trustStore,
} from "../cell-fixture.ts";

const empty = () => new TrustStore(genesis);

describe("a genesis", () => {
  test("is read as it was made, and its hash is over its bytes", () => {
    const again = must(readGenesis(genesis.bytes));
    expect(again).toEqual(genesis);
  });

  test("that is cut, prolonged or changed in any byte is another one or none", () => {
    fc.assert(
      fc.property(fc.nat(genesis.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = genesis.bytes.map((byte, index) => (index === at ? byte ^ flip : byte));
        const read = readGenesis(bytes);
        if (read.ok) expect(Buffer.compare(read.value.hash, genesis.hash)).not.toBe(0);
        else expect(read.error.code).toBe("AUTHORITY_GENESIS_INVALID");
      }),
    );
    expect(codeOf(readGenesis(genesis.bytes.slice(0, -1)))).toBe("AUTHORITY_GENESIS_INVALID");
  });

  test.each([
    ["a bad name", { cell: "No" }],
    ["a small-order key", { genesisKey: new Uint8Array(32) }],
    ["a short nonce", { nonce: new Uint8Array(15) }],
  ])("with %s is not made", (_name, fields) => {
    const good = {
      cell: "x",
      genesisKey: keys.genesis.publicKey,
      createdUnixMs: NOW,
      nonce: new Uint8Array(16),
    };
    expect(codeOf(createGenesis({ ...good, ...fields }))).toBe("AUTHORITY_GENESIS_INVALID");
  });
});

describe("a certificate", () => {
  test("is read as it was issued", () => {
    expect(must(readCertificate(annCertificate.bytes))).toEqual(annCertificate);
  });

  test.each([
    ["generation 0", { generation: 0 }],
    ["a validity that ends before it begins", { notAfterUnixMs: NOW - 2_000 }],
    ["a name with capitals", { principal: "Ann" }],
    ["a name of two tokens", { principal: "ann.bob" }],
    ["a small-order key", { key: new Uint8Array(32) }],
    ["shards for a client", { shards: [{ first: 0, last: 1 }] }],
    ["grants for a node", { kind: "node" as const, grants: [{ intents: ["a"], targets: ["b"] }] }],
    ["shards beyond 255", { kind: "node" as const, shards: [{ first: 0, last: 256 }] }],
    ["shards that run backwards", { kind: "node" as const, shards: [{ first: 2, last: 1 }] }],
    ["a bad pattern", { grants: [{ intents: ["**.a"], targets: ["b"] }] }],
  ])("with %s is not issued", (_name, claims) => {
    expect(codeOf(issueCertificate(claimsOf(claims), keys.issuer, genesis.hash))).toBe(
      "AUTHORITY_CERTIFICATE_INVALID",
    );
  });

  test("read from arbitrary or mutated bytes never counts unless it is the one that was signed", () => {
    const trust = trustStore([issuerCertificate]);
    const { bytes } = annCertificate;
    const mutated = fc
      .tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, flip]) => bytes.map((byte, index) => (index === at ? byte ^ flip : byte)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (forged) => {
        const added = trust.add(forged, NOW);
        expect(added.ok).toBe(false);
        if (!added.ok) expect(added.error.code).toMatch(/^AUTHORITY_/);
      }),
      { numRuns: 500 },
    );
    expect(trust.newest("ann")).toBeUndefined();
  });
});

describe("the trust store", () => {
  test("knows a chain from genesis by key and by name", () => {
    const trust = trustStore();
    expect(must(trust.byKey(keys.ann.publicKey, NOW)).principal).toBe("ann");
    expect(must(trust.byPrincipal("a", NOW)).kind).toBe("node");
    expect(codeOf(trust.byKey(keys.stranger.publicKey, NOW))).toBe("AUTHORITY_ISSUER_UNKNOWN");
    expect(codeOf(trust.byKey(keys.genesis.publicKey, NOW))).toBe("AUTHORITY_ISSUER_UNKNOWN");
  });

  const rogue = keyOf(40);
  test.each([
    ["a client signed by genesis", certify({}, keys.genesis), "AUTHORITY_KIND_FORBIDDEN"],
    [
      "an issuer signed by an issuer",
      certify({ principal: "i2", kind: "issuer" }),
      "AUTHORITY_KIND_FORBIDDEN",
    ],
    [
      "a client signed by a node",
      certify({ principal: "eve", key: rogue.publicKey }, keys.nodeA),
      "AUTHORITY_KIND_FORBIDDEN",
    ],
    [
      "a client signed by itself",
      certify({ principal: "eve", key: rogue.publicKey }, rogue),
      "AUTHORITY_CHAIN_BROKEN",
    ],
    [
      "the genesis key as a client",
      certify({ principal: "eve", key: keys.genesis.publicKey }),
      "AUTHORITY_PRINCIPAL_TAKEN",
    ],
    ["another's key", certify({ principal: "eve", key: keys.bob.publicKey }), "AUTHORITY_PRINCIPAL_TAKEN"],
    ["a node's name for a client", certify({ principal: "a", generation: 9 }), "AUTHORITY_PRINCIPAL_TAKEN"],
    [
      "the issuer's name for a node",
      certify({ principal: "issuer", kind: "node", generation: 9 }),
      "AUTHORITY_PRINCIPAL_TAKEN",
    ],
    ["the same generation again", certify({ notAfterUnixMs: NOW + 5 }), "AUTHORITY_GENERATION_CONFLICT"],
  ])("refuses %s", (_name, certificate, code) => {
    const trust = trustStore();
    const before = trust.snapshot(NOW);
    expect(codeOf(trust.add(certificate.bytes, NOW))).toBe(code);
    expect(trust.snapshot(NOW)).toEqual(before);
  });

  test("refuses a certificate of another cell", () => {
    const other = must(createGenesis({ ...genesis, nonce: new Uint8Array(16) }));
    const foreign = must(
      issueCertificate(claimsOf({ principal: "eve", key: rogue.publicKey }), keys.issuer, other.hash),
    );
    expect(codeOf(trustStore().add(foreign.bytes, NOW))).toBe("AUTHORITY_CERTIFICATE_FORGED");
  });

  test("ends with the highest generation, in whatever order certificates come", () => {
    const issued = [1, 2, 3, 4].map((generation) =>
      certify({ generation, key: keyOf(50 + generation).publicKey }),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(issued, { minLength: 1 }), fc.nat(4), (order, issuerAt) => {
        const trust = empty();
        order.forEach((certificate, at) => {
          if (at === issuerAt) must(trust.add(issuerCertificate.bytes, NOW));
          trust.add(certificate.bytes, NOW);
        });
        trust.add(issuerCertificate.bytes, NOW);
        const highest = Math.max(...order.map(({ generation }) => generation));
        expect(must(trust.byPrincipal("ann", NOW)).generation).toBe(highest);
        for (const { key, generation } of order) {
          expect(trust.byKey(key, NOW).ok).toBe(generation === highest);
        }
      }),
    );
  });

  test("keeps certificates that come before their issuer's, and names them once they count", () => {
    const trust = empty();
    expect(codeOf(trust.add(nodeCertificate.bytes, NOW))).toBe("AUTHORITY_CHAIN_BROKEN");
    expect(trust.byPrincipal("a", NOW).ok).toBe(false);
    const counting = must(trust.add(issuerCertificate.bytes, NOW));
    expect(counting.map(({ principal }) => principal)).toEqual(["issuer", "a"]);
  });

  test("keeps no more waiting certificates than its bound, and each once", () => {
    const trust = new TrustStore(genesis, { maxWaiting: 2 });
    for (const certificate of [nodeCertificate, annCertificate, annCertificate, nodeBCertificate]) {
      trust.add(certificate.bytes, NOW);
    }
    const counting = must(trust.add(issuerCertificate.bytes, NOW));
    expect(counting.map(({ principal }) => principal)).toEqual(["issuer", "ann", "b"]);
  });

  test("the same certificate twice changes nothing and is no error", () => {
    const trust = trustStore();
    expect(must(trust.add(annCertificate.bytes, NOW))).toEqual([]);
  });

  test("judges validity at each look-up", () => {
    const trust = trustStore();
    expect(codeOf(trust.byPrincipal("ann", NOW - 1_001))).toBe("AUTHORITY_CERTIFICATE_NOT_YET_VALID");
    expect(codeOf(trust.byPrincipal("ann", NOW + 86_399_999))).toBe("ok");
    expect(codeOf(trust.byPrincipal("ann", NOW + 86_400_000))).toBe("AUTHORITY_CERTIFICATE_EXPIRED");
    expect(codeOf(trust.byPrincipal("ann", Number.NaN))).not.toBe("ok");
  });

  test("a revocation counts at once, whatever its own validity, until a higher generation", () => {
    const trust = trustStore();
    const revocation = certify({ generation: 2, revoked: true, notBeforeUnixMs: NOW + 10_000 });
    must(trust.add(revocation.bytes, NOW));
    expect(codeOf(trust.byKey(keys.ann.publicKey, NOW))).toBe("AUTHORITY_REVOKED");
    expect(codeOf(trust.add(annCertificate.bytes, NOW))).toBe("AUTHORITY_GENERATION_SUPERSEDED");
    must(trust.add(certify({ generation: 3 }).bytes, NOW));
    expect(codeOf(trust.byKey(keys.ann.publicKey, NOW))).toBe("ok");
  });

  test("all that an issuer certified falls with it, and nothing new of it is taken", () => {
    const trust = trustStore();
    const revoked = certify(
      { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer", generation: 2, revoked: true },
      keys.genesis,
    );
    must(trust.add(revoked.bytes, NOW));
    for (const name of ["a", "b", "ann", "bob"])
      expect(codeOf(trust.byPrincipal(name, NOW))).toBe("AUTHORITY_CHAIN_BROKEN");
    expect(trust.nodes(NOW)).toEqual([]);
    expect(trust.shardOwner(0, NOW)).toBeUndefined();
    expect(codeOf(trust.add(certify({ generation: 7 }).bytes, NOW))).toBe("AUTHORITY_CHAIN_BROKEN");
    expect(trust.newest("ann")?.generation).toBe(1);
  });

  test("what an expired issuer signed is void", () => {
    const trust = empty();
    const brief = certify(
      { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer", notAfterUnixMs: NOW + 10 },
      keys.genesis,
    );
    must(trust.add(brief.bytes, NOW));
    must(trust.add(annCertificate.bytes, NOW));
    expect(codeOf(trust.byPrincipal("ann", NOW + 9))).toBe("ok");
    expect(codeOf(trust.byPrincipal("ann", NOW + 10))).toBe("AUTHORITY_CHAIN_BROKEN");
  });

  test("genesis takes a name or key back that an issuer gave away", () => {
    const trust = trustStore();
    const second = certify({ principal: "bob", kind: "issuer", key: keys.ann.publicKey }, keys.genesis);
    must(trust.add(second.bytes, NOW));
    expect(must(trust.byKey(keys.ann.publicKey, NOW)).kind).toBe("issuer");
    expect(trust.newest("ann")).toBeUndefined();
    expect(trust.byKey(keys.bob.publicKey, NOW).ok).toBe(false);
  });

  test("is bounded, and an issuer still finds room", () => {
    const trust = new TrustStore(genesis, { maxPrincipals: 2 });
    must(trust.add(issuerCertificate.bytes, NOW));
    must(trust.add(annCertificate.bytes, NOW));
    expect(codeOf(trust.add(nodeCertificate.bytes, NOW))).toBe("AUTHORITY_TRUST_FULL");
    must(trust.add(certify({ generation: 2 }).bytes, NOW));
    const other = certify({ principal: "i2", kind: "issuer", key: keyOf(60).publicKey }, keys.genesis);
    must(trust.add(other.bytes, NOW));
  });

  test("refuses generations below the floors that were kept outside the broker", () => {
    const seen = trustStore();
    must(seen.add(certify({ generation: 4, revoked: true }).bytes, NOW));
    const rolledBack = new TrustStore(genesis, { generationFloors: seen.floors() });
    must(rolledBack.add(issuerCertificate.bytes, NOW));
    expect(codeOf(rolledBack.add(annCertificate.bytes, NOW))).toBe("AUTHORITY_GENERATION_SUPERSEDED");
    expect(rolledBack.floors()).toEqual(seen.floors());
  });
});

describe("the shard map", () => {
  test("gives a shard to the node that was certified last, and returns it when that one falls", () => {
    const trust = trustStore();
    expect([0, 127, 128, 255].map((shard) => trust.shardOwner(shard, NOW))).toEqual(["a", "a", "b", "b"]);
    expect(trust.nodes(NOW).map(({ principal }) => principal)).toEqual(["a", "b"]);
    const withdrawn = certify({
      principal: "b",
      kind: "node",
      key: keys.nodeB.publicKey,
      generation: 2,
      revoked: true,
    });
    must(trust.add(withdrawn.bytes, NOW));
    expect(trust.shardOwner(200, NOW)).toBe("a");
    expect(trust.shardOwner(256, NOW)).toBeUndefined();
  });

  test("follows the validity of certificates in both directions of time", () => {
    const trust = trustStore();
    const late = certify({
      principal: "c",
      kind: "node",
      key: keyOf(61).publicKey,
      shards: [{ first: 0, last: 0 }],
      notBeforeUnixMs: NOW + 100,
      notAfterUnixMs: NOW + 200,
    });
    must(trust.add(late.bytes, NOW));
    const times = [NOW, NOW + 100, NOW + 199, NOW + 200, NOW + 99, NOW + 150];
    expect(times.map((time) => trust.shardOwner(0, time))).toEqual(["a", "c", "c", "a", "a", "c"]);
  });

  test("is the same whatever the order of certificates", () => {
    const nodes = [1, 2, 3, 4].map((n) =>
      certify({
        principal: `n${n}`,
        kind: "node",
        key: keyOf(70 + n).publicKey,
        generation: 1 + (n % 2),
        shards: [{ first: 0, last: 30 * n }],
      }),
    );
    const owners = (trust: TrustStore) =>
      Array.from({ length: 256 }, (_, shard) => trust.shardOwner(shard, NOW));
    const expected = owners(trustStore([issuerCertificate, ...nodes]));
    fc.assert(
      fc.property(fc.shuffledSubarray(nodes, { minLength: 4 }), (order) => {
        expect(owners(trustStore([issuerCertificate, ...order]))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe("a key that a node had before", () => {
  const rotated = (claims: Parameters<typeof certify>[0] = {}) =>
    certify({
      principal: "a",
      kind: "node",
      key: keyOf(80).publicKey,
      generation: 2,
      notBeforeUnixMs: NOW + 1_000,
      ...claims,
    });
  const late = NOW + 1_000 + ISSUED_AFTER_MS;
  const nameAt = (trust: TrustStore, atUnixMs: number, now = NOW + 500_000) => {
    const found = trust.nodeOfKeyAt(keys.nodeA.publicKey, atUnixMs, now);
    return found.ok ? found.value.principal : found.error.code;
  };

  test("counts for what it signed before the next one was issued, in whatever order they are heard of", () => {
    for (const order of [
      [nodeCertificate, rotated()],
      [rotated(), nodeCertificate],
    ]) {
      const trust = trustStore([issuerCertificate]);
      for (const certificate of order) trust.add(certificate.bytes, NOW);
      expect([nameAt(trust, NOW), nameAt(trust, late - 1), nameAt(trust, late)]).toEqual([
        "a",
        "a",
        "AUTHORITY_ISSUER_UNKNOWN",
      ]);
      expect(codeOf(trust.byKey(keys.nodeA.publicKey, NOW))).toBe("AUTHORITY_ISSUER_UNKNOWN");
    }
  });

  test.each([
    ["before it was certified", [rotated()], NOW - 2_000],
    ["once the node was withdrawn", [rotated({ revoked: true })], NOW],
    [
      "though the node was certified again after its withdrawal",
      [rotated({ revoked: true }), rotated({ generation: 3, key: keyOf(81).publicKey })],
      NOW,
    ],
    [
      "once its issuer fell",
      [
        rotated(),
        certify(
          { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer", generation: 2, revoked: true },
          keys.genesis,
        ),
      ],
      NOW,
    ],
  ] as const)("counts for nothing %s", (_when, certificates, at) => {
    const trust = trustStore();
    for (const certificate of certificates) must(trust.add(certificate.bytes, NOW));
    expect(nameAt(trust, at)).not.toBe("a");
  });

  test("of a client is forgotten", () => {
    const trust = trustStore();
    must(trust.add(certify({ key: keyOf(82).publicKey, generation: 2 }).bytes, NOW));
    expect(trust.nodeOfKeyAt(keys.ann.publicKey, NOW, NOW).ok).toBe(false);
  });

  test("is one of the 24 newest", () => {
    const trust = trustStore();
    for (let generation = 2; generation < 30; generation += 1)
      must(trust.add(rotated({ generation, key: keyOf(80 + generation).publicKey }).bytes, NOW));
    expect(trust.retired("a").map(({ generation }) => generation)).toEqual(
      Array.from({ length: MAX_RETIRED }, (_, at) => at + 5),
    );
    expect(nameAt(trust, NOW)).not.toBe("a");
  });
});
