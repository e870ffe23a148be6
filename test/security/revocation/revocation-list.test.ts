// What a node knows of revocations, and for how long it may rely on that.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_HEAD_AGE_MS, RevocationList } from "../../../src/security/revocation/revocation-list.ts";
import type { Revocations } from "../../../src/security/revocation/revocations.ts";
import { joined } from "../../../src/security/revocation/revoked.ts";
import { certify, keyOf, keys, NOW } from "../cell-fixture.ts";
import { bare, hashOf, revocationsOf, revokedOf, termsOf } from "./revocation-fixture.ts";

const A = keys.nodeA.publicKey;
const first = revocationsOf(bare(1));
const second = revocationsOf(joined(bare(1, 2), revokedOf([], { shop: 5 })));
const apart = revocationsOf(bare(3));
const listOf = (...records: readonly Revocations[]): RevocationList => {
  const list = new RevocationList();
  for (const record of records) list.take(record, NOW);
  return list;
};
const none = new Uint8Array();
const unheard = (list: RevocationList, nowMs: number, nowUnixMs = NOW + nowMs) =>
  list.unheard(nowUnixMs, nowMs)?.code;
/** Heard at once, by clocks that agree. */
const hear = (list: RevocationList, hash: Uint8Array, atMs = 0, authority = A) =>
  list.hear({ hash, atUnixMs: NOW + atMs }, authority, NOW + atMs, atMs);

describe("records", () => {
  test("are joined, whatever comes first; one that holds what another does takes its place", () => {
    const list = listOf(first);
    expect([list.isRevoked(hashOf(1)), list.isRevoked(hashOf(2))]).toEqual([true, false]);
    expect(list.take(second, NOW)).toMatchObject({ dropped: [first] });
    expect([list.take(second, NOW), list.take(first, NOW)]).toEqual([undefined, undefined]);
    expect([list.isRevoked(hashOf(2)), list.epochOf("shop"), list.epochOf("other")]).toEqual([true, 5, 0]);
    expect(list.take(apart, NOW)).toMatchObject({ dropped: [] });
    expect(list.records()).toEqual([second, apart]);
    const both = revocationsOf(list.revoked(NOW));
    expect(list.take(both, NOW)).toMatchObject({ before: undefined, dropped: [second, apart] });
  });

  test("an older one that comes late takes nothing back", () => {
    const list = listOf(second);
    expect(list.take(first, NOW)).toBeUndefined();
    expect([list.records(), list.isRevoked(hashOf(2)), list.epochOf("shop")]).toEqual([[second], true, 5]);
  });

  test("end with the same at every node, in whatever order they come", () => {
    const records = [first, second, apart, revocationsOf(revokedOf([{ hash: hashOf(4), terms: termsOf() }]))];
    const stateOf = (order: readonly Revocations[]) => {
      const { epochs, tokens } = listOf(...order).revoked(NOW);
      return [[...epochs].sort(), [...tokens.keys()].sort()];
    };
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (order) => {
        expect(stateOf(order)).toEqual(stateOf(records));
      }),
    );
  });

  test("of which none holds another are kept eight; what the rest hold stays in force, and the own one is kept", () => {
    const list = new RevocationList(keyOf(40));
    const own = certify({
      key: keyOf(40).publicKey,
      principal: "a",
      kind: "node",
      shards: [{ first: 0, last: 255 }],
    });
    const records = Array.from({ length: 12 }, (_, n) =>
      revocationsOf(bare(n), n === 0 ? { key: keyOf(40), certificate: own } : {}),
    );
    const given = records.flatMap((record) => list.take(record, NOW)?.given ?? []);
    expect(list.records()).toHaveLength(8);
    expect(list.records()[0]).toBe(records[0]);
    expect(given).toEqual(records.slice(1, 5));
    expect(Array.from({ length: 12 }, (_, n) => list.isRevoked(hashOf(n)))).toEqual(Array(12).fill(true));
  });

  test("a record with made-up terms takes the place of none", () => {
    const token = { hash: hashOf(4), terms: termsOf() };
    const honest = revocationsOf(revokedOf([token]));
    const forged = revocationsOf(
      revokedOf([{ hash: hashOf(4), terms: termsOf({ scope: "x", notAfterUnixMs: NOW * 2 }) }], { x: 1 }),
    );
    for (const list of [listOf(honest, forged), listOf(forged, honest)]) {
      list.take(revocationsOf(list.revoked(NOW)), NOW);
      expect([list.isRevoked(hashOf(4)), list.records().length]).toEqual([true, 1]);
    }
  });

  test("a token whose entry is dropped by a new record is one that has ended", () => {
    const end = termsOf().notAfterUnixMs;
    const list = listOf(revocationsOf(revokedOf([{ hash: hashOf(4), terms: termsOf() }])));
    list.take(revocationsOf({ ...bare(5), issuedUnixMs: NOW }), NOW);
    expect(list.isRevoked(hashOf(4))).toBe(true);
    list.take(revocationsOf({ ...bare(5, 6), issuedUnixMs: end }), end);
    expect([list.isRevoked(hashOf(4)), list.isRevoked(hashOf(5))]).toEqual([false, true]);
  });
});

describe("the authority's word", () => {
  test("is needed before anything counts, and every five seconds", () => {
    const list = listOf();
    expect(unheard(list, 0)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    expect(hear(list, none)).toEqual({ isBehind: false, lacking: [] });
    expect(unheard(list, MAX_HEAD_AGE_MS - 1)).toBeUndefined();
    expect(unheard(list, MAX_HEAD_AGE_MS)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    hear(list, none, 5_000);
    expect(unheard(list, 9_999)).toBeUndefined();
  });

  test("that somebody held back counts that much less long, but for what clocks may differ", () => {
    const list = listOf(first);
    list.hear({ hash: first.hash, atUnixMs: NOW }, A, NOW + 8_000, 8_000);
    expect(unheard(list, 9_999, NOW + 9_999)).toBeUndefined();
    expect(unheard(list, 10_000, NOW + 10_000)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.hear({ hash: first.hash, atUnixMs: NOW }, A, NOW + 10_000, 10_000);
    expect(unheard(list, 10_000, NOW + 10_000)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("that was said before the newest one says nothing, also when this node's clock goes back", () => {
    const list = listOf(first);
    hear(list, first.hash, 3_000);
    list.hear({ hash: first.hash, atUnixMs: NOW + 2_000 }, A, NOW, 6_000);
    expect(unheard(list, 7_999, NOW)).toBeUndefined();
    expect(unheard(list, 8_000, NOW)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("counts no longer than by the wall clock while the other one stood still", () => {
    const list = listOf();
    hear(list, none);
    expect(unheard(list, 1, NOW + 10_000)).toBeUndefined();
    expect(unheard(list, 1, NOW + 10_001)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("from the future says nothing", () => {
    const list = listOf();
    list.hear({ hash: none, atUnixMs: NOW + 5_001 }, A, NOW, 0);
    expect(unheard(list, 0)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.hear({ hash: none, atUnixMs: NOW + 5_000 }, A, NOW, 0);
    expect(unheard(list, 0)).toBeUndefined();
  });

  test("of a record that this node lacks lets nothing count until that one has arrived", () => {
    const list = listOf(first);
    hear(list, first.hash);
    expect(hear(list, second.hash, 1)).toMatchObject({ isBehind: true });
    expect(unheard(list, 2)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.take(apart, NOW);
    expect(unheard(list, 3)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.take(second, NOW);
    expect(unheard(list, 4)).toBeUndefined();
  });

  test("of less than this node knows is enough, and tells what the authority lacks", () => {
    const list = listOf(second, apart);
    list.take(first, NOW);
    expect(hear(list, first.hash)).toEqual({ isBehind: false, lacking: [second, apart] });
    expect(hear(list, none, 1)).toEqual({ isBehind: false, lacking: [second, apart] });
    expect(hear(list, apart.hash, 2)).toEqual({ isBehind: false, lacking: [second] });
    expect(unheard(list, 3)).toBeUndefined();
  });

  test("of a time when the clocks were wrong keeps out none of now", () => {
    const list = listOf();
    const hour = 3_600_000;
    list.hear({ hash: none, atUnixMs: NOW + hour }, A, NOW + hour, 0);
    expect(unheard(list, 4_999, NOW + hour)).toBeUndefined();
    list.hear({ hash: none, atUnixMs: NOW }, A, NOW, 4_000);
    expect(unheard(list, 8_999, NOW + 4_999)).toBeUndefined();
  });

  test("of another authority counts from its own clock", () => {
    const list = listOf();
    hear(list, none, 4_000);
    expect(hear(list, second.hash, 2_000, keys.nodeB.publicKey)).toMatchObject({ isBehind: true });
  });
});
