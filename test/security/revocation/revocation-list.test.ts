// What a node knows of revocations, and for how long it may rely on that.
import { describe, expect, test } from "vitest";
import { readHead, signHead } from "../../../src/security/revocation/head.ts";
import { MAX_HEAD_AGE_MS, RevocationList } from "../../../src/security/revocation/revocation-list.ts";
import type { Revocations } from "../../../src/security/revocation/revocations.ts";
import { codeOf, genesis, keys, must, NOW } from "../cell-fixture.ts";
import { hashOf, revocationsOf, tokensOf } from "./revocation-fixture.ts";

const first = revocationsOf({ tokens: tokensOf({ hash: hashOf(1) }) });
const second = revocationsOf({
  generation: 2,
  tokens: tokensOf({ hash: hashOf(1) }, { hash: hashOf(2) }),
  epochs: new Map([["shop", 1]]),
});
const listOf = (...records: readonly Revocations[]): RevocationList => {
  const list = new RevocationList();
  for (const record of records) list.take(record, NOW);
  return list;
};
const headOf = ({ generation, bodyHash: hash }: Revocations, atUnixMs = NOW) => ({
  generation,
  hash,
  atUnixMs,
});
const none = { generation: 0, hash: new Uint8Array(), atUnixMs: NOW };
const unheard = (list: RevocationList, nowMs: number) => list.unheard(nowMs)?.code;

describe("the newest record", () => {
  test("counts from when it is taken; older ones and the same again change nothing", () => {
    const list = listOf(first);
    expect(list.isRevoked(hashOf(1))).toBe(true);
    expect(list.isRevoked(hashOf(2))).toBe(false);
    expect(list.take(second, NOW)).toBe(true);
    expect([list.take(second, NOW), list.take(first, NOW)]).toEqual([false, false]);
    expect([list.isRevoked(hashOf(2)), list.epochOf("shop"), list.epochOf("other")]).toEqual([true, 1, 0]);
  });

  test.for([
    ["another one of the same generation", revocationsOf({ generation: 2 }), "CELL_ROLLED_BACK"],
    ["a newer one that lacks what is revoked", revocationsOf({ generation: 3 }), "CELL_ROLLED_BACK"],
    [
      "one from the future",
      revocationsOf({ ...second, generation: 3, issuedUnixMs: NOW + 5_001 }),
      "CAPABILITY_REVOCATIONS_INVALID",
    ],
  ] as const)("is not replaced by %s", ([, record, code]) => {
    const list = listOf(second);
    expect(() => list.take(record, NOW)).toThrow(expect.objectContaining({ code }));
    expect(list.record()).toBe(second);
  });
});

describe("the authority's word", () => {
  test("is needed before anything counts, and every five seconds", () => {
    const list = listOf();
    expect(unheard(list, 0)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    expect(list.hear(none, NOW, 0)).toBe("same");
    expect(unheard(list, MAX_HEAD_AGE_MS - 1)).toBeUndefined();
    expect(unheard(list, MAX_HEAD_AGE_MS)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.hear({ ...none, atUnixMs: NOW + 5_000 }, NOW + 5_000, 5_000);
    expect(unheard(list, 9_999)).toBeUndefined();
  });

  test("that somebody held back counts that much less long, and said again no longer", () => {
    const list = listOf(first);
    expect(list.hear(headOf(first, NOW - 3_000), NOW, 0)).toBe("same");
    expect(unheard(list, 1_999)).toBeUndefined();
    expect(unheard(list, 2_000)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.hear(headOf(first, NOW - 3_000), NOW + 4_000, 4_000);
    expect(unheard(list, 4_000)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("of a clock within the bound ahead counts no longer than one of now, and beyond it not at all", () => {
    const list = listOf(first);
    list.hear(headOf(first, NOW + 5_001), NOW, 0);
    expect(unheard(list, 0)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.hear(headOf(first, NOW + 5_000), NOW, 0);
    expect(unheard(list, MAX_HEAD_AGE_MS - 1)).toBeUndefined();
    expect(unheard(list, MAX_HEAD_AGE_MS)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("of a newer record lets nothing count until that has arrived", () => {
    const list = listOf(first);
    list.hear(headOf(first), NOW, 0);
    expect(list.hear(headOf(second), NOW, 1)).toBe("newer");
    expect(unheard(list, 2)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    list.take(second, NOW);
    expect(unheard(list, 3)).toBeUndefined();
  });

  test("of an older record, or another of the same generation, tells nothing of now", () => {
    const list = listOf(first, second);
    expect(list.hear(headOf(first), NOW, 0)).toBe("older");
    expect(list.hear(none, NOW, 0)).toBe("older");
    expect(list.hear({ ...headOf(second), hash: hashOf(9) }, NOW, 0)).toBe("other");
    expect(unheard(list, 0)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("is read as it was said; changed, or of another cell, it is refused", () => {
    const said = signHead(headOf(second), keys.nodeA, genesis);
    expect(must(readHead(said, genesis))).toEqual({ ...headOf(second), signer: keys.nodeA.publicKey });
    for (let at = 0; at < said.length; at += 1) {
      const forged = said.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(codeOf(readHead(forged, genesis))).toBe("CAPABILITY_REVOCATIONS_INVALID");
    }
    const other = { ...genesis, hash: hashOf(1) };
    expect(codeOf(readHead(signHead(none, keys.nodeA, other), genesis))).toBe(
      "CAPABILITY_REVOCATIONS_INVALID",
    );
    expect(codeOf(readHead(new Uint8Array(300), genesis))).toBe("CAPABILITY_REVOCATIONS_INVALID");
  });
});
