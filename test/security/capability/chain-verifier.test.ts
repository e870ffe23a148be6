// Whose tokens count in a cell, by its certificates.
import { describe, expect, test } from "vitest";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import {
  annCertificate,
  bobCertificate,
  certify,
  codeOf,
  genesis,
  issuerCertificate,
  keys,
  must,
  NOW,
  nodeCertificate,
  trustStore,
} from "../cell-fixture.ts";
import { rootChain, tokenClaims } from "./token-fixture.ts";

const all = [issuerCertificate, nodeCertificate, annCertificate, bobCertificate];
const verdict = (chain = rootChain({}, keys.issuer), certificates = all) =>
  codeOf(cellChainVerifier(trustStore(certificates)).verify(chainBytes(chain), chain.last.holder, NOW));

describe("a cell's authority", () => {
  test.for<[who: string, key: SigningKey, code: string]>([
    ["its issuer", keys.issuer, "ok"],
    ["a node", keys.nodeA, "CAPABILITY_AUTHORITY_UNKNOWN"],
    ["a client, for itself", keys.ann, "CAPABILITY_AUTHORITY_UNKNOWN"],
    ["nobody", keys.stranger, "CAPABILITY_AUTHORITY_UNKNOWN"],
    ["the genesis key itself", keys.genesis, "CAPABILITY_AUTHORITY_UNKNOWN"],
  ])("a root of %s is worth: %s", ([, key, code]) => {
    expect(verdict(rootChain({}, key))).toBe(code);
  });

  test("ends with its issuer's", () => {
    const withdrawn = certify(
      { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer", generation: 2, revoked: true },
      keys.genesis,
    );
    expect(verdict(undefined, [...all, withdrawn])).toBe("CAPABILITY_AUTHORITY_UNKNOWN");
  });

  const handedOn = must(
    attenuate(
      rootChain({}, keys.issuer),
      tokenClaims({ holder: keys.bob.publicKey, maxDepth: 0 }),
      keys.ann,
      genesis.hash,
    ),
  );
  test.for([
    ["counts", all, "ok"],
    ["was never certified", [issuerCertificate, bobCertificate], "CAPABILITY_HOLDER_WITHDRAWN"],
    ["was withdrawn", [...all, certify({ generation: 2, revoked: true })], "CAPABILITY_HOLDER_WITHDRAWN"],
    [
      "has another key now",
      [...all, certify({ generation: 2, key: keys.stranger.publicKey })],
      "CAPABILITY_HOLDER_WITHDRAWN",
    ],
  ] as const)("what somebody handed on who %s", ([, certificates, code]) => {
    expect(verdict(handedOn, [...certificates])).toBe(code);
  });

  test("a holder who sends what nobody could use takes nothing of what others may have verified", () => {
    const verifier = cellChainVerifier(trustStore(all));
    for (let n = 0; n < 1_000; n += 1) {
      const nonsense = Uint8Array.of(n & 0xff, n >> 8, 7);
      expect(codeOf(verifier.verify(nonsense, keys.bob.publicKey, NOW))).toBe(
        n < 128 ? "CAPABILITY_MALFORMED" : "CAPABILITY_UNDECIDED",
      );
    }
    const chain = rootChain({}, keys.issuer);
    expect(codeOf(verifier.verify(chainBytes(chain), keys.ann.publicKey, NOW))).toBe("ok");
  });
});
