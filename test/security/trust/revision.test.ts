import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256, toHex } from "../../../src/security/bytes.ts";
import { signRevision, verifyRevision } from "../../../src/security/trust/revision.ts";
import { certify, codeOf, genesis, keys, must, NOW, trustStore } from "../cell-fixture.ts";

const claims = {
  revision: 2,
  createdUnixMs: NOW,
  author: "operator",
  graph: new TextEncoder().encode("{}"),
  rollbackOf: 0,
  previousHash: sha256(new Uint8Array()),
  causeId: new Uint8Array(16),
};
const signed = must(signRevision(claims, keys.nodeA, genesis.hash));

describe("a revision", () => {
  test("signed by a node is read as it was made", () => {
    const revision = must(verifyRevision(signed, trustStore(), NOW));
    expect(revision).toMatchObject({ revision: 2, author: "operator", node: "a" });
    expect(toHex(revision.graph)).toBe(toHex(claims.graph));
  });

  test("signed by a client, an issuer or a stranger is refused", () => {
    for (const key of [keys.ann, keys.issuer, keys.stranger]) {
      const forged = must(signRevision(claims, key, genesis.hash));
      expect(codeOf(verifyRevision(forged, trustStore(), NOW))).toMatch(
        /^AUTHORITY_(REVISION_INVALID|ISSUER_UNKNOWN)$/,
      );
    }
  });

  test("of another cell, or of a node that was withdrawn, is refused", () => {
    const foreign = must(signRevision(claims, keys.nodeA, new Uint8Array(32)));
    expect(codeOf(verifyRevision(foreign, trustStore(), NOW))).toBe("AUTHORITY_REVISION_INVALID");
    const trust = trustStore();
    const gone = certify({
      principal: "a",
      kind: "node",
      key: keys.nodeA.publicKey,
      generation: 2,
      revoked: true,
    });
    must(trust.add(gone.bytes, NOW));
    expect(codeOf(verifyRevision(signed, trust, NOW))).toBe("AUTHORITY_REVOKED");
  });

  test("changed in any byte is refused", () => {
    const trust = trustStore();
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = signed.map((byte, index) => (index === at ? byte ^ flip : byte));
        expect(codeOf(verifyRevision(forged, trust, NOW))).toMatch(/^AUTHORITY_/);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["number 0", { revision: 0 }],
    ["a restored number above its own", { rollbackOf: 2 }],
    ["no previous hash", { previousHash: new Uint8Array() }],
    ["a previous hash at number 1", { revision: 1 }],
    ["an author that is no name", { author: "" }],
    ["a cause that is no id", { causeId: new Uint8Array(3) }],
    ["a fraction", { revision: 2.5 }],
    ["more than 1 MiB", { graph: new Uint8Array(1024 * 1024) }],
  ])("with %s is not made", (_name, fields) => {
    expect(codeOf(signRevision({ ...claims, ...fields }, keys.nodeA, genesis.hash))).toBe(
      "AUTHORITY_REVISION_INVALID",
    );
  });
});
