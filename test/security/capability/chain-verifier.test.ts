// Whose tokens count in a cell, by its certificates.
import { describe, expect, test } from "vitest";
import { attenuate, chainBytes, chainOf, readChain } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import { signToken } from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
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
import { nothingRevoked, rootChain, tokenClaims } from "./token-fixture.ts";

const all = [issuerCertificate, nodeCertificate, nodeBCertificate, annCertificate, bobCertificate];
const verdict = (chain = rootChain({}, keys.issuer), certificates = all) =>
  codeOf(
    cellChainVerifier(trustStore(certificates), nothingRevoked).verify(
      chainBytes(chain),
      chain.last.holder,
      NOW,
    ),
  );

describe("a cell's authority", () => {
  test.for<[who: string, key: SigningKey, code: string]>([
    ["its issuer", keys.issuer, "ok"],
    ["a node of shard 0", keys.nodeA, "ok"],
    ["another node", keys.nodeB, "CAPABILITY_AUTHORITY_UNKNOWN"],
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
});

describe("what a node verifies of new chains", () => {
  const holders = (count: number) => Array.from({ length: count }, (_, n) => keyOf(100 + n));
  const numbered = (n: number, holder = keys.ann, key = keys.issuer) =>
    rootChain({ id: new Uint8Array(16).fill(n + 1), holder: holder.publicKey }, key);
  const verifierAt = (clock: { nowMs: number }) =>
    cellChainVerifier(trustStore(all), nothingRevoked, {
      isStanding: () => true,
      monotonicMs: () => clock.nowMs,
    });
  type Verifier = ReturnType<typeof verifierAt>;
  const verify = (by: Verifier, chain: ReturnType<typeof rootChain>) =>
    codeOf(by.verify(chainBytes(chain), chain.last.holder, NOW));

  test("are 64 links a second for each holder; those that it knows always count", () => {
    const clock = { nowMs: 0 };
    const by = verifierAt(clock);
    const codes = () => Array.from({ length: 65 }, (_, n) => verify(by, numbered(n)));
    expect(codes()).toEqual([...Array(64).fill("ok"), "CAPABILITY_UNDECIDED"]);
    expect(codes().slice(0, 64)).toEqual(Array(64).fill("ok"));
    expect(verify(by, numbered(64, keys.bob))).toBe("ok");
    clock.nowMs = 1_000;
    expect(codes().at(-1)).toBe("ok");
  });

  test("are 512 links a second in all, each counted as it is verified", () => {
    const clock = { nowMs: 0 };
    const by = verifierAt(clock);
    const handedOn = (holder: SigningKey) => {
      let chain = rootChain({ holder: holder.publicKey }, keys.issuer);
      for (let depth = 6; depth >= 0; depth -= 1) {
        const next = tokenClaims({ holder: holder.publicKey, maxDepth: depth });
        chain = must(attenuate(chain, next, holder, genesis.hash));
      }
      return chain;
    };
    const codes = holders(65).map((holder) => verify(by, handedOn(holder)));
    expect(codes).toEqual([...Array(64).fill("ok"), "CAPABILITY_UNDECIDED"]);
  });

  test("are none of a holder whose signature was not valid, for a second, and nobody else pays for it", () => {
    const clock = { nowMs: 0 };
    const by = verifierAt(clock);
    const sound = numbered(1);
    const link = Uint8Array.from(sound.root.bytes);
    link[link.length - 1] = (link.at(-1) ?? 0) ^ 1;
    const forged = must(readChain(chainBytes({ links: [{ ...sound.root, bytes: link }] })));
    expect(verify(by, forged)).toBe("CAPABILITY_SIGNATURE_INVALID");
    expect(verify(by, sound)).toBe("CAPABILITY_UNDECIDED");
    expect(verify(by, numbered(1, keys.bob))).toBe("ok");
    clock.nowMs = 1_000;
    expect(verify(by, sound)).toBe("ok");
  });

  test("are as many of an actor as before when it was handed one whose signature is not valid", () => {
    const by = verifierAt({ nowMs: 0 });
    const held = { kind: "agent" as const, holder: actorHolder(genesis.hash, "a/b"), maxDepth: 0 };
    const sound = rootChain(held, keys.issuer);
    const forged = must(chainOf([must(signToken(tokenClaims(held), keys.issuer, new Uint8Array(32)))]));
    const verdictOf = (chain: typeof sound) => codeOf(by.verify(chainBytes(chain), { actor: "a/b" }, NOW));
    expect([forged, sound, forged].map(verdictOf)).toEqual([
      "CAPABILITY_SIGNATURE_INVALID",
      "ok",
      "CAPABILITY_SIGNATURE_INVALID",
    ]);
  });

  test.for<[what: string, bytes: (n: number) => Uint8Array, code: string]>([
    ["what is no chain", (n) => Uint8Array.of(n & 0xff, n >> 8, 7), "CAPABILITY_MALFORMED"],
    [
      "chains of no authority",
      (n) => chainBytes(numbered(n, keys.bob, keys.bob)),
      "CAPABILITY_AUTHORITY_UNKNOWN",
    ],
    [
      "links that do not follow each other",
      (n) => chainBytes({ links: [numbered(n).root, numbered(n, keys.bob).root] }),
      "CAPABILITY_CHAIN_BROKEN",
    ],
  ])("are not fewer for %s, of which a holder has 128 read a second", ([, bytes, code]) => {
    const by = verifierAt({ nowMs: 0 });
    for (let n = 0; n < 140; n += 1) {
      const expected = n < 128 ? code : "CAPABILITY_UNDECIDED";
      expect(codeOf(by.verify(bytes(n), keys.bob.publicKey, NOW))).toBe(expected);
    }
    const codes = Array.from({ length: 64 }, (_, n) => verify(by, numbered(n)));
    expect(codes).toEqual(Array(64).fill("ok"));
  });
});
