// That a key follows another with its consent, whatever the order in which certificates come.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import {
  type Certificate,
  type CertificateClaims,
  issueCertificate,
  readCertificate,
} from "../../../src/security/trust/certificate.ts";
import { MAX_PRESERVE_MS } from "../../../src/security/trust/continuity.ts";
import { createGenesis } from "../../../src/security/trust/genesis.ts";
import { ISSUED_AFTER_MS } from "../../../src/security/trust/retired-keys.ts";
import { signRevision, verifyRevision } from "../../../src/security/trust/revision.ts";
import { agree, endingClaims, successorClaims } from "../../../src/security/trust/succession.ts";
import { TrustStore } from "../../../src/security/trust/trust-store.ts";
import {
  annCertificate,
  bobCertificate,
  certify,
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
import { end, follow, preserve, UNTIL } from "../rotation-fixture.ts";

const [second, third, fourth] = [keyOf(90), keyOf(91), keyOf(92)];
const rotated = follow(annCertificate, keys.ann, second);
const counts = (trust: TrustStore, key: SigningKey, now = NOW): string =>
  codeOf(trust.byKey(key.publicKey, now));
const UNKNOWN = "AUTHORITY_ISSUER_UNKNOWN";

describe("a certificate whose key follows another", () => {
  test("is read as it was issued", () => {
    expect(must(readCertificate(rotated.bytes))).toEqual(rotated);
    expect(rotated.continuity).toEqual({
      previous: sha256(annCertificate.body),
      previousKey: keys.ann.publicKey,
      ...preserve,
    });
  });

  const claims = successorClaims(annCertificate, second.publicKey, preserve);
  const { continuity } = claims;
  test.each<[string, Partial<CertificateClaims>]>([
    ["its own key", { key: keys.ann.publicKey }],
    ["a first generation", { generation: 1 }],
    ["a withdrawal", { revoked: true }],
    [
      "more than a day",
      { continuity: { ...given(continuity), preserveUntilUnixMs: NOW + MAX_PRESERVE_MS + 1 } },
    ],
    ["an end before its issue", { continuity: { ...given(continuity), preserveUntilUnixMs: NOW - 1 } }],
    ["a hash of the wrong length", { continuity: { ...given(continuity), previous: new Uint8Array(31) } }],
    ["a small-order key", { continuity: { ...given(continuity), previousKey: new Uint8Array(32) } }],
  ])("is refused with %s", (_what, wrong) => {
    const all = { ...claims, ...wrong };
    const issued = issueCertificate(all, keys.issuer, genesis.hash, agree(all, keys.ann, genesis.hash));
    expect(codeOf(issued)).toBe("AUTHORITY_CERTIFICATE_INVALID");
  });

  test("is none without the signature of the key before, nor is that signature anything by itself", () => {
    const bare = issueCertificate(claims, keys.issuer, genesis.hash);
    expect(codeOf(bare)).toBe("AUTHORITY_CERTIFICATE_INVALID");
    const plain = endingClaims(annCertificate, second.publicKey);
    const more = issueCertificate(plain, keys.issuer, genesis.hash, new Uint8Array(64).fill(1));
    expect(codeOf(more)).toBe("AUTHORITY_CERTIFICATE_INVALID");
  });

  const other = must(createGenesis({ ...genesis, nonce: new Uint8Array(16) }));
  test.each<[string, Uint8Array]>([
    ["by another key", agree(claims, keys.bob, genesis.hash)],
    ["by the key that follows", agree(claims, second, genesis.hash)],
    ["by the issuer", agree(claims, keys.issuer, genesis.hash)],
    ["for another certificate", agree({ ...claims, notAfterUnixMs: NOW + 1_000 }, keys.ann, genesis.hash)],
    [
      "for a longer time",
      agree(
        { ...claims, continuity: { ...given(continuity), preserveUntilUnixMs: UNTIL + 1 } },
        keys.ann,
        genesis.hash,
      ),
    ],
    ["for another cell", agree(claims, keys.ann, other.hash)],
    ["that is a certificate's signature", rotated.signature],
  ])("with a proof %s is refused, and changes nothing", (_what, agreement) => {
    const forged = must(issueCertificate(claims, keys.issuer, genesis.hash, agreement));
    const trust = trustStore();
    const before = trust.snapshot(NOW);
    expect(codeOf(trust.add(forged.bytes, NOW))).toBe("AUTHORITY_CONTINUITY_INVALID");
    expect(trust.snapshot(NOW)).toEqual(before);
    expect([counts(trust, keys.ann), counts(trust, second)]).toEqual(["ok", UNKNOWN]);
  });

  test("with the consent of the key before, and without the issuer's, is refused", () => {
    const forged = follow(annCertificate, keys.ann, second, { by: keys.stranger });
    expect(codeOf(trustStore().add(forged.bytes, NOW))).toBe("AUTHORITY_CHAIN_BROKEN");
  });
});

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("undefined");
  return value;
}

describe("a key that another one follows", () => {
  test("counts beside it for the stated time, as the same principal with the same grants, and no longer", () => {
    const trust = trustStore();
    must(trust.add(rotated.bytes, NOW));
    const old = must(trust.byKey(keys.ann.publicKey, UNTIL - 1));
    expect(old).toMatchObject({ principal: "ann", generation: 2, grants: annCertificate.grants });
    expect(old.key).toEqual(keys.ann.publicKey);
    expect(must(trust.byKey(second.publicKey, NOW)).key).toEqual(second.publicKey);
    expect([counts(trust, keys.ann, UNTIL), counts(trust, second, UNTIL)]).toEqual([UNKNOWN, "ok"]);
    expect(counts(trust, keys.ann, Number.NaN)).not.toBe("ok");
  });

  test("does not count longer for a certificate that is dated ahead: neither does, until then", () => {
    const trust = trustStore();
    const issuedUnixMs = NOW + ISSUED_AFTER_MS + 1;
    const claims = successorClaims(annCertificate, second.publicKey, {
      issuedUnixMs,
      preserveUntilUnixMs: UNTIL,
    });
    const ahead = must(
      issueCertificate(claims, keys.issuer, genesis.hash, agree(claims, keys.ann, genesis.hash)),
    );
    must(trust.add(ahead.bytes, NOW));
    for (const key of [keys.ann, second]) {
      expect(counts(trust, key)).toBe("AUTHORITY_CERTIFICATE_NOT_YET_VALID");
      expect(counts(trust, key, NOW + 1)).toBe("ok");
    }
    expect(trust.formerOwner(keys.ann.publicKey, NOW, NOW)).toBeUndefined();
  });

  test("is never the genesis key", () => {
    const claims = successorClaims(annCertificate, second.publicKey, preserve);
    const { continuity } = claims;
    const crowned = { ...claims, continuity: { ...given(continuity), previousKey: keys.genesis.publicKey } };
    const forged = must(
      issueCertificate(crowned, keys.issuer, genesis.hash, agree(crowned, keys.genesis, genesis.hash)),
    );
    expect(codeOf(trustStore().add(forged.bytes, NOW))).toBe("AUTHORITY_PRINCIPAL_TAKEN");
  });

  test("is void at once where nothing says that another follows it", () => {
    const trust = trustStore();
    must(trust.add(end(annCertificate, keys.issuer, second.publicKey).bytes, NOW));
    expect([counts(trust, keys.ann), counts(trust, second)]).toEqual([UNKNOWN, "ok"]);
    expect(trust.formerOwner(keys.ann.publicKey, NOW - 1, NOW)).toBeUndefined();
  });

  test("is not given to anybody else while it counts", () => {
    const trust = trustStore();
    must(trust.add(rotated.bytes, NOW));
    const thief = certify({ principal: "eve", key: keys.ann.publicKey });
    expect(codeOf(trust.add(thief.bytes, NOW))).toBe("AUTHORITY_PRINCIPAL_TAKEN");
  });

  test("is nobody's by the word of who never had it", () => {
    const trust = trustStore();
    const claims = successorClaims(bobCertificate, second.publicKey, preserve);
    const stolen = {
      ...claims,
      continuity: { ...given(claims.continuity), previousKey: keys.ann.publicKey },
    };
    const forged = must(
      issueCertificate(stolen, keys.issuer, genesis.hash, agree(stolen, keys.ann, genesis.hash)),
    );
    must(trust.add(forged.bytes, NOW));
    expect(must(trust.byKey(keys.ann.publicKey, NOW)).principal).toBe("ann");
  });

  test("falls with a withdrawal, whatever time it had", () => {
    const trust = trustStore();
    must(trust.add(rotated.bytes, NOW));
    must(trust.add(certify({ generation: 3, revoked: true, key: second.publicKey }).bytes, NOW));
    for (const key of [keys.ann, second]) expect(counts(trust, key)).not.toBe("ok");
  });

  test("of an issuer lets what it certified count as long as itself, and certify still", () => {
    const trust = trustStore();
    must(trust.add(follow(issuerCertificate, keys.issuer, second).bytes, NOW));
    must(trust.add(certify({ principal: "late", key: third.publicKey }).bytes, NOW));
    const by2 = must(issueCertificate(endingClaims(annCertificate), second, genesis.hash));
    must(trust.add(by2.bytes, NOW));
    expect([counts(trust, keys.ann), counts(trust, third), counts(trust, keys.nodeA)]).toEqual([
      "ok",
      "ok",
      "ok",
    ]);
    expect(trust.shardOwner(0, NOW)).toBe("a");
    expect(counts(trust, keys.ann, UNTIL)).toBe("ok");
    for (const key of [third, keys.nodeA]) expect(counts(trust, key, UNTIL)).toBe("AUTHORITY_CHAIN_BROKEN");
    expect(trust.shardOwner(0, UNTIL)).toBeUndefined();
    expect(codeOf(trust.add(certify({ principal: "later", key: fourth.publicKey }).bytes, UNTIL))).toBe(
      "AUTHORITY_CHAIN_BROKEN",
    );
  });

  test("ends early with a further certificate of the key that follows", () => {
    const trust = trustStore();
    must(trust.add(rotated.bytes, NOW));
    must(trust.add(end(rotated).bytes, NOW));
    expect([counts(trust, keys.ann), counts(trust, second)]).toEqual([UNKNOWN, "ok"]);
    expect(codeOf(trust.add(rotated.bytes, NOW))).toBe("AUTHORITY_GENERATION_SUPERSEDED");
    expect(counts(trust, keys.ann)).toBe(UNKNOWN);
  });

  test("that is given back ends the one that was to follow", () => {
    const trust = trustStore();
    must(trust.add(rotated.bytes, NOW));
    must(trust.add(end(rotated, keys.issuer, keys.ann.publicKey).bytes, NOW));
    expect([counts(trust, keys.ann), counts(trust, second)]).toEqual(["ok", UNKNOWN]);
  });
});

describe("certificates of one principal, in any order and repeated", () => {
  const g2 = rotated;
  const g3 = follow(g2, second, third);
  const g4 = end(g3);
  const unagreed = end(annCertificate, keys.issuer, third.publicKey);
  /** Says that it follows a certificate of generation 2 that is not the one of this cell. */
  const astray = follow(
    follow(annCertificate, keys.ann, second, { preserveUntilUnixMs: UNTIL - 1 }),
    second,
    third,
  );
  const all = [keys.ann, second, third, fourth];
  const line = (trust: TrustStore, now: number) => all.map((key) => counts(trust, key, now) === "ok");

  test.each([
    ["one rotation", [annCertificate, g2], [true, true, false, false]],
    [
      "two rotations: only the key before the newest counts beside it",
      [annCertificate, g2, g3],
      [false, true, true, false],
    ],
    ["two rotations, the second removed", [annCertificate, g2, g3, g4], [false, false, true, false]],
    ["a replacement without consent", [annCertificate, unagreed], [false, false, true, false]],
    ["one that follows another certificate than the one known", [g2, astray], [false, false, true, false]],
    ["one of which the one before is not known", [annCertificate, g3], [false, true, true, false]],
  ] as const)("end the same: %s", (_what, certificates, expected) => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...certificates], { minLength: certificates.length }),
        fc.array(fc.constantFrom(...certificates), { maxLength: 4 }),
        fc.nat(certificates.length),
        (order, again, issuerAt) => {
          const trust = new TrustStore(genesis);
          order.forEach((certificate, at) => {
            if (at === issuerAt) must(trust.add(issuerCertificate.bytes, NOW));
            trust.add(certificate.bytes, NOW);
          });
          trust.add(issuerCertificate.bytes, NOW);
          expect(line(trust, NOW)).toEqual(expected);
          // What is shown again brings nothing back.
          for (const certificate of again) trust.add(certificate.bytes, NOW);
          expect(line(trust, NOW)).toEqual(expected);
          const [, , last] = expected;
          expect(line(trust, UNTIL)).toEqual(
            last ? [false, false, true, false] : [false, true, false, false],
          );
        },
      ),
    );
  });

  test("never let a removed key count again, whatever is shown in whatever order", () => {
    const shown = fc.array(fc.constantFrom(annCertificate, g2, g3, g4, unagreed), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(shown, (order) => {
        const trust = trustStore([issuerCertificate]);
        let newest = 0;
        for (const certificate of order) {
          trust.add(certificate.bytes, NOW);
          const known = given(trust.newest("ann"));
          expect(known.generation).toBeGreaterThanOrEqual(newest);
          newest = known.generation;
          const names = [known.key, known.continuity?.previousKey].map(
            (key) => key && Buffer.from(key).toString("hex"),
          );
          for (const key of all) {
            const isNamed = names.includes(Buffer.from(key.publicKey).toString("hex"));
            if (!isNamed) expect(counts(trust, key)).not.toBe("ok");
          }
        }
        trust.add(g4.bytes, NOW);
        for (const certificate of order) trust.add(certificate.bytes, NOW);
        expect(line(trust, NOW)).toEqual([false, false, true, false]);
      }),
    );
  });
});

describe("what a node's key signed that another follows", () => {
  const g2 = follow(nodeCertificate, keys.nodeA, second);
  const g3 = end(g2);
  const trustWith = (...certificates: readonly Certificate[]) =>
    trustStore([issuerCertificate, nodeCertificate, ...certificates]);
  const owner = (trust: TrustStore, key: SigningKey, at: number, now = UNTIL) =>
    trust.formerOwner(key.publicKey, at, now)?.owner.principal;

  test("is its node's when it was signed while that key counted", () => {
    const trust = trustWith(g2, nodeBCertificate);
    expect(owner(trust, keys.nodeA, UNTIL - 1)).toBe("a");
    expect(owner(trust, keys.nodeA, UNTIL)).toBeUndefined();
    expect(owner(trust, keys.nodeB, NOW)).toBeUndefined();
    expect(counts(trust, keys.nodeA, UNTIL)).toBe(UNKNOWN);
  });

  test("stays so over further rotations, a removal, and an issuer's rotation, also from this node's own copy", () => {
    const g4 = follow(g3, second, third);
    const issuer2 = follow(issuerCertificate, keys.issuer, fourth);
    const by2 = must(issueCertificate(endingClaims(g4), fourth, genesis.hash));
    const live = trustWith(g2, g3, g4);
    must(live.add(issuer2.bytes, NOW));
    must(live.add(by2.bytes, NOW));
    const again = new TrustStore(genesis);
    for (const { bytes } of [issuer2, by2]) must(again.add(bytes, UNTIL));
    for (const { bytes } of live.retired("issuer")) expect(again.restoreRetired(bytes, UNTIL)).toBe(true);
    for (const { bytes } of live.retired("a")) expect(again.restoreRetired(bytes, UNTIL)).toBe(true);
    for (const trust of [live, again]) {
      for (const key of [keys.nodeA, second]) expect(owner(trust, key, NOW)).toBe("a");
      expect(must(trust.nodeOfKeyAt(keys.nodeA.publicKey, NOW + 100_000, UNTIL)).generation).toBe(1);
      expect(counts(trust, third, UNTIL)).toBe("ok");
    }
  });

  test("stays so when a further rotation is undone", () => {
    const g4 = follow(g3, second, third);
    const trust = trustWith(g2, g3, g4, end(g4, keys.issuer, second.publicKey));
    expect([counts(trust, second), counts(trust, third)]).toEqual(["ok", UNKNOWN]);
    expect([owner(trust, keys.nodeA, NOW), owner(trust, third, NOW)]).toEqual(["a", undefined]);
    expect(given(trust.nodeOfKeyAt(keys.nodeA.publicKey, NOW + 100_000, UNTIL)).ok).toBe(true);
  });

  test("is nobody's any more once a key was put in its place without consent, or the node was withdrawn", () => {
    const replaced = trustWith(g2, g3, end(g3, keys.issuer, third.publicKey));
    const withdrawn = trustWith(
      g2,
      must(issueCertificate({ ...endingClaims(g2), revoked: true }, keys.issuer, genesis.hash)),
    );
    for (const trust of [replaced, withdrawn]) expect(owner(trust, keys.nodeA, NOW)).toBeUndefined();
  });

  test("a certificate of a past generation by a stranger makes nobody its node", () => {
    const trust = trustWith(g2, g3);
    const forged = follow(nodeCertificate, keys.nodeA, second, { by: keys.stranger });
    expect(trust.restoreRetired(forged.bytes, NOW)).toBe(false);
    const alien = follow(nodeCertificate, fourth, second, {
      by: keys.stranger,
      claims: { generation: 2 },
    });
    expect(trust.restoreRetired(alien.bytes, NOW)).toBe(false);
    expect(owner(trust, fourth, NOW)).toBeUndefined();
  });

  test("a revision is read while that key counts, and none after that, however it is dated", () => {
    const trust = trustWith(g2);
    const revision = (createdUnixMs: number) =>
      must(
        signRevision(
          {
            revision: 1,
            createdUnixMs,
            author: "operator",
            graph: new Uint8Array([1]),
            rollbackOf: 0,
            previousHash: new Uint8Array(),
            causeId: new Uint8Array(),
          },
          keys.nodeA,
          genesis.hash,
        ),
      );
    expect(must(verifyRevision(revision(NOW), trust, UNTIL - 1)).node).toBe("a");
    expect(codeOf(verifyRevision(revision(NOW), trust, UNTIL))).toBe(UNKNOWN);
    expect(codeOf(verifyRevision(revision(NOW), trustWith(g2, g3), NOW))).toBe(UNKNOWN);
  });
});
