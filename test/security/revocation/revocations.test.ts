import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  forgotten,
  MAX_REVOKED_TOKENS,
  MAX_SCOPES,
  nothingRevoked,
  type RevocationClaims,
  readRevocations,
  signRevocations,
  withoutEnded,
  withRaisedEpoch,
  withToken,
} from "../../../src/security/revocation/revocations.ts";
import { codeOf, genesis, keys, must, NOW } from "../cell-fixture.ts";
import { hashOf, revocationClaims, revocationsOf, tokensOf } from "./revocation-fixture.ts";

const HOUR = 3_600_000;

describe("a record of revocations", () => {
  const record = revocationsOf({
    epochs: new Map([
      ["shop", 3],
      ["default", 1],
    ]),
    tokens: tokensOf(
      { hash: hashOf(9), scope: "shop", untilUnixMs: NOW + HOUR },
      { hash: hashOf(2) },
      { hash: hashOf(200), scope: "default", untilUnixMs: NOW + 1 },
    ),
  });

  test("is read as it was made, in one form whatever the order was", () => {
    const read = must(readRevocations(record.bytes, genesis));
    expect(read).toEqual(record);
    expect([...read.epochs]).toEqual([
      ["default", 1],
      ["shop", 3],
    ]);
    expect([...read.tokens.values()].map(({ hash }) => hash[0])).toEqual([2, 9, 200]);
    expect(read.signer).toEqual(keys.nodeA.publicKey);
  });

  test("changed in any byte is refused", () => {
    fc.assert(
      fc.property(fc.nat(record.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = record.bytes.map((byte, index) => (index === at ? byte ^ flip : byte));
        expect(codeOf(readRevocations(forged, genesis))).toBe("CAPABILITY_REVOCATIONS_INVALID");
      }),
      { numRuns: 300 },
    );
  });

  test.for<[what: string, claims: Partial<RevocationClaims>]>([
    ["generation 0", { generation: 0 }],
    ["a fraction", { generation: 1.5 }],
    ["an author that is no name", { author: "" }],
    ["a cause that is no id", { causeId: new Uint8Array(3) }],
    ["epoch 0 of a scope", { epochs: new Map([["shop", 0]]) }],
    ["a scope that is no name", { epochs: new Map([["Shop", 1]]) }],
    ["a hash that is none", { tokens: tokensOf({ hash: new Uint8Array(31) }) }],
    ["a token of a scope that is no name", { tokens: tokensOf({ hash: hashOf(1), scope: "a b" }) }],
  ])("with %s is not made", ([, claims]) => {
    expect(codeOf(signRevocations(revocationClaims(claims), keys.nodeA, genesis))).toBe(
      "CAPABILITY_REVOCATIONS_INVALID",
    );
  });

  test("of the largest size is read", () => {
    const tokens = Array.from({ length: MAX_REVOKED_TOKENS }, (_, n) => {
      const hash = hashOf(0);
      new DataView(hash.buffer).setUint32(0, n);
      return { hash, scope: "s".repeat(63), untilUnixMs: NOW + HOUR };
    });
    const epochs = new Map(Array.from({ length: MAX_SCOPES }, (_, n) => [`${"s".repeat(55)}${n}`, 2 ** 52]));
    const largest = revocationsOf({ tokens: tokensOf(...tokens), epochs });
    expect(largest.bytes.length).toBeLessThan(640 * 1024);
    expect(largest.tokens.size).toBe(MAX_REVOKED_TOKENS);
  });
});

describe("what is revoked", () => {
  const token = { hash: hashOf(1), scope: "shop", untilUnixMs: NOW + HOUR };
  const byHash = { hash: hashOf(2) };
  const some = must(withToken(must(withToken(nothingRevoked, token)), byHash));

  test("loses a token an hour after its end; one of an unknown end never", () => {
    const leftAt = (ms: number) => [...withoutEnded(some, token.untilUnixMs + ms).tokens.values()];
    expect(leftAt(HOUR - 1)).toEqual([token, byHash]);
    expect(leftAt(HOUR)).toEqual([byHash]);
  });

  test("has an epoch in place of the tokens of its scope; one of an unknown scope stays", () => {
    const raised = must(withRaisedEpoch(some, "shop"));
    expect(raised.epochs).toEqual(new Map([["shop", 1]]));
    expect([...raised.tokens.values()]).toEqual([byHash]);
    expect(must(withRaisedEpoch(raised, "shop")).epochs).toEqual(new Map([["shop", 2]]));
  });

  test("is bounded, and says what to do at the bound", () => {
    const tokens = new Map(Array.from({ length: MAX_REVOKED_TOKENS }, (_, n) => [`t${n}`, byHash]));
    expect(codeOf(withToken({ ...nothingRevoked, tokens }, token))).toBe("CAPABILITY_REVOCATIONS_FULL");
    const epochs = new Map(Array.from({ length: MAX_SCOPES }, (_, n) => [`s${n}`, 1]));
    expect(codeOf(withRaisedEpoch({ ...nothingRevoked, epochs }, "another"))).toBe(
      "CAPABILITY_REVOCATIONS_FULL",
    );
    expect(codeOf(withRaisedEpoch({ ...nothingRevoked, epochs }, "s7"))).toBe("ok");
  });

  const before = revocationClaims({ ...some, epochs: new Map([["shop", 2]]) });
  test.for<[what: string, next: Partial<RevocationClaims>, lost: string | undefined]>([
    ["all of it again", before, undefined],
    ["a lower epoch", { ...before, epochs: new Map([["shop", 1]]) }, "the epoch of shop"],
    ["no epoch", { ...before, epochs: new Map() }, "the epoch of shop"],
    ["a token less", { ...before, tokens: tokensOf(byHash) }, "a revoked token"],
    [
      "a token less, which had ended",
      { ...before, tokens: tokensOf(byHash), issuedUnixMs: token.untilUnixMs },
      undefined,
    ],
    [
      "a token less, whose scope was raised",
      { tokens: tokensOf(byHash), epochs: new Map([["shop", 3]]) },
      undefined,
    ],
    [
      "a token of unknown end and scope less",
      { tokens: new Map(), epochs: new Map([["shop", 3]]), issuedUnixMs: NOW + 1e12 },
      "a revoked token",
    ],
  ])("followed by a record with %s has lost: %s", ([, next, lost]) => {
    expect(forgotten(revocationClaims(next), before)).toBe(lost);
  });

  test("never loses anything by whatever is done to it", () => {
    const step = fc.oneof(
      fc.record({
        revoke: fc.nat(20),
        scope: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
        untilUnixMs: fc.option(fc.integer({ min: NOW, max: NOW + 4 * HOUR }), { nil: undefined }),
      }),
      fc.record({ raise: fc.constantFrom("a", "b") }),
      fc.record({ pass: fc.integer({ min: 0, max: HOUR }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = NOW;
        let last = revocationClaims();
        for (const each of steps) {
          if ("pass" in each) now += each.pass;
          const live = withoutEnded(last, now);
          const changed =
            "raise" in each
              ? withRaisedEpoch(live, each.raise)
              : "revoke" in each
                ? withToken(live, {
                    hash: hashOf(each.revoke),
                    ...(each.scope === undefined ? {} : { scope: each.scope }),
                    ...(each.untilUnixMs === undefined ? {} : { untilUnixMs: each.untilUnixMs }),
                  })
                : { ok: true as const, value: live };
          const next = revocationClaims({ ...must(changed), issuedUnixMs: now });
          expect(forgotten(next, last)).toBeUndefined();
          last = next;
        }
      }),
    );
  });
});
