// Tokens while the keys in them are rotated, and after.
import { expect, test } from "vitest";
import { attenuate, type Chain, chainBytes } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import type { Certificate } from "../../../src/security/trust/certificate.ts";
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
  nodeCertificate,
  trustStore,
} from "../cell-fixture.ts";
import { end, follow, UNTIL } from "../rotation-fixture.ts";
import { inEpoch, nothingRevoked, rootChain, tokenClaims } from "./token-fixture.ts";

const next = keyOf(90);
const DAY_MS = 86_400_000;
const LATE = { notAfterUnixMs: UNTIL + 60_000 };

function verdicts(chain: Chain, more: readonly Certificate[], holder: SigningKey, ...at: readonly number[]) {
  const trust = trustStore([issuerCertificate, nodeCertificate, annCertificate, bobCertificate, ...more]);
  const verifier = cellChainVerifier(trust, nothingRevoked, { monotonicMs: () => 0 });
  return at.map((now) => codeOf(verifier.verify(chainBytes(chain), holder.publicKey, now)));
}

const annRotated = follow(annCertificate, keys.ann, next);
const nodeRotated = follow(nodeCertificate, keys.nodeA, next);

test("a token of the key before is the next key's too while both count", () => {
  const chain = rootChain(LATE);
  expect(verdicts(chain, [annRotated], keys.ann, NOW)).toEqual(["ok"]);
  expect(verdicts(chain, [annRotated], next, NOW, UNTIL - 1, UNTIL)).toEqual([
    "ok",
    "ok",
    "CAPABILITY_HOLDER_MISMATCH",
  ]);
  expect(verdicts(chain, [annRotated], keys.bob, NOW)).toEqual(["CAPABILITY_HOLDER_MISMATCH"]);
  expect(verdicts(chain, [end(annCertificate, keys.issuer, next.publicKey)], next, NOW)).toEqual([
    "CAPABILITY_HOLDER_MISMATCH",
  ]);
});

test("what the key before handed on counts as long as that key", () => {
  const claims = { ...tokenClaims(LATE), holder: keys.bob.publicKey, maxDepth: 1 };
  const chain = must(attenuate(rootChain(LATE), claims, keys.ann, genesis.hash));
  expect(verdicts(chain, [annRotated], keys.bob, UNTIL - 1, UNTIL)).toEqual([
    "ok",
    "CAPABILITY_HOLDER_WITHDRAWN",
  ]);
  expect(verdicts(chain, [annRotated, end(annRotated)], keys.bob, NOW)).toEqual([
    "CAPABILITY_HOLDER_WITHDRAWN",
  ]);
});

test("a root that a node's key minted counts on after the rotation, and none that is dated later", () => {
  expect(verdicts(rootChain(LATE), [nodeRotated], keys.ann, NOW, UNTIL)).toEqual(["ok", "ok"]);
  expect(verdicts(rootChain(LATE), [nodeRotated, end(nodeRotated)], keys.ann, UNTIL)).toEqual(["ok"]);
  const late = rootChain({ ...LATE, notBeforeUnixMs: UNTIL });
  expect(verdicts(late, [nodeRotated], keys.ann, UNTIL)).toEqual(["CAPABILITY_AUTHORITY_UNKNOWN"]);
});

test("a root of a key that was removed ends within 30 days, and was minted in no epoch after that key's time", () => {
  const long = { notAfterUnixMs: NOW + 365 * DAY_MS };
  const issuer = certify({ ...issuerCertificate, ...long }, keys.genesis);
  const [node, ann] = [nodeCertificate, annCertificate].map((each) => certify({ ...each, ...long }));
  if (node === undefined || ann === undefined) throw new Error("no certificates");
  const rotated = follow(node, keys.nodeA, next);
  const trust = trustStore([issuer, node, ann, rotated, end(rotated)]);
  const verdict = (epoch: number, nowUnixMs: number) => {
    const verifier = cellChainVerifier(trust, inEpoch(epoch), { monotonicMs: () => 0 });
    return codeOf(verifier.verify(chainBytes(rootChain({ ...long, epoch })), keys.ann.publicKey, nowUnixMs));
  };
  // `--remove` does not shorten the time up to which it may be dated.
  const last = UNTIL + 30 * DAY_MS;
  expect([verdict(0, last - 1), verdict(0, last)]).toEqual(["ok", "CAPABILITY_AUTHORITY_UNKNOWN"]);
  expect([verdict(UNTIL - 1, UNTIL), verdict(UNTIL, UNTIL)]).toEqual(["ok", "CAPABILITY_AUTHORITY_UNKNOWN"]);
});

test("a root of a key that was replaced without its consent is void", () => {
  const replaced = end(nodeCertificate, keys.issuer, next.publicKey);
  expect(verdicts(rootChain(), [replaced], keys.ann, NOW)).toEqual(["CAPABILITY_AUTHORITY_UNKNOWN"]);
  const later = end(nodeRotated, keys.issuer, keyOf(91).publicKey);
  expect(verdicts(rootChain(), [nodeRotated, later], keys.ann, NOW)).toEqual([
    "CAPABILITY_AUTHORITY_UNKNOWN",
  ]);
});
