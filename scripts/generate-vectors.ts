// Writes test/vectors/*-v1.json: capsules, replies and capability tokens of one cell with fixed keys and a
// fixed clock, each with the bytes or the code that it must get, for implementations in other languages.
//   node scripts/generate-vectors.ts
import { writeFileSync } from "node:fs";
import { sha256, toHex } from "../src/security/bytes.ts";
import { capabilityInput, singleInput } from "../src/security/wire/signing-input.ts";
import * as cell from "../test/security/cell-fixture.ts";
import { attenuationVectors } from "./vectors/attenuation-vectors.ts";
import { idOf } from "./vectors/bytes.ts";
import { encodingVectors, messageVectors } from "./vectors/capsule-vectors.ts";
import { chainVectors } from "./vectors/chain-vectors.ts";
import { moreCertificates, refusedCertificates, replyVectors } from "./vectors/reply-vectors.ts";
import { tokenFormVectors } from "./vectors/token-form-vectors.ts";
import { bytesOfLinks, mint } from "./vectors/tokens.ts";
import { useVectors } from "./vectors/use-vectors.ts";

const { genesis, keys, NOW } = cell;

/** The cell that all of them are of. */
const cellFacts = () => ({
  cell: cell.CELL,
  node: "a",
  nowUnixMs: NOW,
  genesis: toHex(genesis.bytes),
  genesisHash: toHex(genesis.hash),
  certificates: [
    ...[cell.issuerCertificate, cell.nodeCertificate, cell.nodeBCertificate, cell.annCertificate],
    ...[cell.bobCertificate, ...moreCertificates()],
  ].map(({ bytes }) => toHex(bytes)),
  refusedCertificates: refusedCertificates(),
});

export function makeCapsuleVectors() {
  const signed = cell.bytesOf({ id: idOf(1), rootId: idOf(1) });
  const input = singleInput(genesis.hash, keys.ann.publicKey, sha256(signed));
  return {
    about:
      "`vectors`: each message is judged alone by node `a` at nowUnixMs, with these certificates and no other grants; the actors support/triage and support/router are placed on it. `encodings`: what a client makes of `fields` (ProtoJSON). `replies`: what it makes of a message off its inbox after it sent `request` in `sent`: the reply's payload, the error that it bears, or the code to refuse it with; `refusedCertificates` are handed to it after the others. Other bytes in hex.",
    ...cellFacts(),
    seeds: { ann: "05".repeat(32), a: "03".repeat(32) },
    signing: {
      capsule: toHex(signed),
      hash: toHex(sha256(signed)),
      issuer: toHex(keys.ann.publicKey),
      input: toHex(input),
      signature: toHex(keys.ann.sign(input)),
    },
    vectors: messageVectors(),
    encodings: encodingVectors(),
    replies: replyVectors(),
  };
}

export function makeCapabilityVectors() {
  const root = mint();
  const input = capabilityInput(genesis.hash, keys.issuer.publicKey, root.body);
  return {
    about:
      "`chains`: each is judged alone by node `a` at nowUnixMs, for a capsule that `holder` signed, or that of the actor `actor`, which its node signed; those without a code count. `uses`: what ann, or `actor`, may do with a chain. `attenuations`: what the key of `seed` makes of a chain when it hands it on with `claims` (ProtoJSON; what they do not say stays as it is; for `actor` it is of kind AGENT), or the code to refuse that with. Other bytes in hex.",
    ...cellFacts(),
    seeds: { issuer: "02".repeat(32), ann: "05".repeat(32), bob: "06".repeat(32) },
    signing: {
      body: toHex(root.body),
      hash: toHex(root.hash),
      issuer: toHex(keys.issuer.publicKey),
      input: toHex(input),
      signature: toHex(root.signature),
      link: toHex(root.bytes),
      chain: toHex(bytesOfLinks(root)),
    },
    chains: [...chainVectors(), ...tokenFormVectors()],
    uses: useVectors(),
    attenuations: attenuationVectors(),
  };
}

const file = (name: string): URL => new URL(`../test/vectors/${name}`, import.meta.url);
export const CAPSULE_VECTORS = file("capsule-v1.json");
export const CAPABILITY_VECTORS = file("capability-v1.json");

if (import.meta.main) {
  for (const [path, vectors] of [
    [CAPSULE_VECTORS, makeCapsuleVectors()],
    [CAPABILITY_VECTORS, makeCapabilityVectors()],
  ] as const) {
    writeFileSync(path, `${JSON.stringify(vectors, null, 2)}\n`);
  }
}
