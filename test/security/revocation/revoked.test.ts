// What is revoked: it only ever grows, in whatever order it is learned.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapKey } from "../../../src/security/bytes.ts";
import {
  bounded,
  covers,
  joined,
  MAX_BARE_HASHES,
  MAX_REVOKED_TOKENS,
  MAX_SCOPES,
  nothingRevoked,
  type Revoked,
  type RevokedToken,
  withoutVoid,
  withRaisedEpoch,
  withToken,
} from "../../../src/security/revocation/revoked.ts";
import { codeOf, must, NOW } from "../cell-fixture.ts";
import { bare, hashOf, revokedOf, termsOf } from "./revocation-fixture.ts";

const HOUR = 3_600_000;
const token: RevokedToken = { hash: hashOf(1), terms: termsOf() };
const some = joined(revokedOf([token]), bare(2));
const holds = ({ tokens }: Revoked, n: number) => tokens.has(mapKey(hashOf(n)));

describe("what is revoked", () => {
  test("loses a token an hour after its end; one of which only the hash is known never", () => {
    const end = termsOf().notAfterUnixMs;
    const left = (ms: number) => [1, 2].map((n) => holds(withoutVoid(some, end + ms), n));
    expect(left(HOUR - 1)).toEqual([true, true]);
    expect(left(HOUR)).toEqual([false, true]);
    expect(holds(withoutVoid(some, end * 2), 2)).toBe(true);
  });

  test("has an epoch in place of the tokens of its scope that are older", () => {
    const newer = { hash: hashOf(3), terms: termsOf({ epoch: NOW + 5 }) };
    const raised = must(withRaisedEpoch(joined(some, revokedOf([newer])), "shop", NOW));
    expect([...raised.epochs]).toEqual([["shop", NOW]]);
    expect([1, 2, 3].map((n) => holds(raised, n))).toEqual([false, true, true]);
  });

  test("uses no epoch twice, not even when all that was known of them was lost, or the clock goes back", () => {
    const raised = must(withRaisedEpoch(nothingRevoked, "shop", NOW));
    expect(must(withRaisedEpoch(raised, "shop", NOW - HOUR)).epochs.get("shop")).toBe(NOW + 1);
    expect(must(withRaisedEpoch(nothingRevoked, "shop", NOW + 1)).epochs.get("shop")).toBeGreaterThan(NOW);
  });

  test("is bounded, and says what to do at the bound", () => {
    const many = (count: number, terms: boolean) =>
      revokedOf(
        Array.from({ length: count }, (_, n) => {
          const hash = hashOf(9);
          new DataView(hash.buffer).setUint32(0, n);
          return terms ? { hash, terms: termsOf() } : { hash };
        }),
      );
    const code = (full: Revoked, more: RevokedToken) => codeOf(withToken(full, more));
    expect(code(many(MAX_REVOKED_TOKENS - 1, true), token)).toBe("ok");
    expect(code(many(MAX_REVOKED_TOKENS, true), token)).toBe("CAPABILITY_REVOCATIONS_FULL");
    expect(code(many(MAX_BARE_HASHES, false), token)).toBe("ok");
    expect(code(many(MAX_BARE_HASHES, false), { hash: hashOf(2) })).toBe("CAPABILITY_REVOCATIONS_FULL");
    const scopes = Array.from({ length: MAX_SCOPES }, (_, n) => [`s${n}`, 1]);
    const full = revokedOf([], Object.fromEntries(scopes));
    expect(codeOf(withRaisedEpoch(full, "another", NOW))).toBe("CAPABILITY_REVOCATIONS_FULL");
    expect(codeOf(withRaisedEpoch(full, "s7", NOW))).toBe("ok");
    expect(codeOf(bounded(joined(full, revokedOf([], { another: 1 }))))).toBe("CAPABILITY_REVOCATIONS_FULL");
  });

  test.for<[what: string, wide: Revoked, narrow: Revoked, nowUnixMs: number, answer: boolean]>([
    ["itself", some, some, NOW, true],
    ["nothing", nothingRevoked, some, NOW, false],
    ["a higher epoch", revokedOf([], { a: 2 }), revokedOf([], { a: 1 }), NOW, true],
    ["a lower epoch", revokedOf([], { a: 1 }), revokedOf([], { a: 2 }), NOW, false],
    ["no token that has ended", nothingRevoked, revokedOf([token]), termsOf().notAfterUnixMs, true],
    ["no token whose scope was raised", revokedOf([], { shop: 1 }), revokedOf([token]), NOW, true],
    ["no token of the epoch it was raised to", revokedOf([], { shop: 0 }), revokedOf([token]), NOW, false],
    [
      "no bare hash, whatever time it is",
      revokedOf([], { shop: NOW }),
      bare(1),
      Number.MAX_SAFE_INTEGER,
      false,
    ],
    ["the hash alone in place of the token", bare(1), revokedOf([token]), NOW, true],
    ["the token in place of the hash alone", revokedOf([token]), bare(1), NOW, false],
    [
      "another scope",
      revokedOf([{ ...token, terms: termsOf({ scope: "x", notAfterUnixMs: NOW * 2 }) }]),
      revokedOf([token]),
      NOW,
      false,
    ],
    [
      "another epoch",
      revokedOf([{ ...token, terms: termsOf({ epoch: 1 }) }]),
      revokedOf([token]),
      NOW,
      false,
    ],
    [
      "an earlier end",
      revokedOf([{ ...token, terms: termsOf({ notAfterUnixMs: NOW + 1 }) }]),
      revokedOf([token]),
      NOW,
      false,
    ],
  ])("is covered by %s or not", ([, wide, narrow, nowUnixMs, answer]) => {
    expect(covers(wide, narrow, nowUnixMs)).toBe(answer);
  });

  test.for<[what: string, terms: RevokedToken["terms"]]>([
    ["an end that has passed", termsOf({ notAfterUnixMs: NOW - 1 })],
    ["another scope, whose epoch is raised", termsOf({ scope: "mine", epoch: 0, notAfterUnixMs: NOW * 2 })],
    ["another epoch, which is over", termsOf({ epoch: 7 })],
  ])("is not taken back by made-up terms: %s", ([, terms]) => {
    for (const honest of [revokedOf([token], { shop: 0 }), bare(1)]) {
      const forged = revokedOf([{ hash: hashOf(1), ...(terms === undefined ? {} : { terms }) }], {
        mine: 1,
        shop: 0,
      });
      for (const both of [joined(honest, forged), joined(forged, honest)])
        expect(holds(withoutVoid(both, NOW), 1)).toBe(true);
    }
  });
});

describe("joining", () => {
  const anyTerms = fc.option(
    fc.record({
      scope: fc.constantFrom("a", "b"),
      epoch: fc.nat(3),
      notAfterUnixMs: fc.integer({ min: NOW - HOUR, max: NOW + HOUR }),
    }),
    { nil: undefined },
  );
  const anyToken = fc
    .record({ n: fc.nat(5), terms: anyTerms })
    .map(({ n, terms }): RevokedToken => ({ hash: hashOf(n), ...(terms === undefined ? {} : { terms }) }));
  const any = fc
    .record({
      tokens: fc.array(anyToken, { maxLength: 5 }),
      epochs: fc.dictionary(fc.constantFrom("a", "b"), fc.integer({ min: 1, max: 4 })),
    })
    .map(({ tokens, epochs }) => revokedOf(tokens, epochs));
  const plain = ({ epochs, tokens }: Revoked) => ({
    epochs: Object.fromEntries([...epochs].sort()),
    tokens: Object.fromEntries([...tokens].sort()),
  });

  test("is the same in whatever order, and however often", () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(plain(joined(a, b))).toEqual(plain(joined(b, a)));
        expect(plain(joined(joined(a, b), c))).toEqual(plain(joined(a, joined(b, c))));
        expect(plain(joined(a, a))).toEqual(plain(a));
      }),
    );
  });

  test("what covers another revokes all that is not void of it", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        fc.pre(covers(a, b, NOW));
        const left = withoutVoid({ epochs: a.epochs, tokens: b.tokens }, NOW + HOUR).tokens;
        const kept = withoutVoid(a, NOW + HOUR).tokens;
        expect([...left.keys()].filter((name) => !kept.has(name))).toEqual([]);
      }),
    );
  });

  test("holds all that either has, also after what is void was left out", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const both = joined(a, b);
        expect([covers(both, a, NOW), covers(both, b, NOW)]).toEqual([true, true]);
        expect(covers(withoutVoid(both, NOW), both, NOW)).toBe(true);
      }),
    );
  });
});
