// Certificates of one principal, each made of the one before: a key follows another, is ended, given
// back, replaced without consent or withdrawn; or it says of the key before what is not so.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SignedCertificateSchema } from "../../../src/gen/cell0/v1/trust_pb.ts";
import { copyOf } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import {
  type Certificate,
  type CertificateClaims,
  certificateBody,
  readCertificate,
} from "../../../src/security/trust/certificate.ts";
import { agree, endingClaims, successorClaims } from "../../../src/security/trust/succession.ts";
import { certificateInput } from "../../../src/security/wire/signing-input.ts";
import { genesis, keyOf, keys, NOW } from "../../security/cell-fixture.ts";
import { UNTIL } from "../../security/rotation-fixture.ts";

/** Keys that principals come to have: fewer than they ask for, so that some meet. */
export const POOL = [60, 61, 62, 63, 64, 65].map(keyOf);
const holders = [...POOL, ...Object.values(keys)];
const holderOf = (key: Uint8Array): SigningKey =>
  holders.find(({ publicKey }) => Buffer.compare(publicKey, key) === 0) ?? keys.stranger;

const DAY_MS = 86_400_000;
/** The next key counts all the same. */
const WITHOUT_TIME = ["another hash", "another key before"] as const;
const REFUSED = [
  ...(["by another", "of another cell", "as a certificate", "not signed", "stray", "forged"] as const),
  ...(["itself", "too long", "backwards", "withdrawn", "first", "genesis before"] as const),
];
export const step = fc.record({
  how: fc.oneof(
    { weight: 10, arbitrary: fc.constant("follow" as const) },
    { weight: 4, arbitrary: fc.constantFrom("end" as const, "give back" as const) },
    { weight: 3, arbitrary: fc.constantFrom("replace" as const, "replace" as const, "withdraw" as const) },
    { weight: 2, arbitrary: fc.constantFrom(...WITHOUT_TIME) },
    { weight: 3, arbitrary: fc.constantFrom(...REFUSED) },
  ),
  key: fc.nat(POOL.length - 1),
  issued: fc.constantFrom(0, 0, 0, 0, 60_000, 60_001),
  until: fc.constantFrom(UNTIL, UNTIL, UNTIL, UNTIL - 1, NOW, NOW + 1, NOW + DAY_MS),
  /** Whether an issuer's former key certifies, where there is one. */
  early: fc.boolean(),
});
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** @param by may certify it, the latest last */
export function historyOf(first: Certificate, steps: readonly Step[], by: readonly SigningKey[]) {
  const all: Uint8Array[] = [first.bytes];
  const line: Certificate[] = [first];
  for (const each of steps) {
    const newest = line.at(-1) ?? first;
    const signer = (each.early ? by[0] : by.at(-1)) ?? keys.stranger;
    const bytes = certificateOf(each, newest, line.at(-2) ?? newest, signer);
    all.push(bytes);
    const read = readCertificate(bytes);
    if (read.ok && !REFUSED.some((how) => how === each.how)) line.push(read.value);
  }
  // Each once, the newest one's last.
  const latestFirst = new Set(line.map(({ key }) => holderOf(key)).reverse());
  return { all, keys: [...latestFirst].reverse() };
}

function certificateOf(each: Step, newest: Certificate, given: Certificate, by: SigningKey): Uint8Array {
  const key = POOL[each.key]?.publicKey ?? newest.key;
  switch (each.how) {
    case "end":
      return signed(endingClaims(newest), by);
    case "give back":
      // Also one that was withdrawn.
      return signed({ ...endingClaims(newest, given.key), revoked: false }, by);
    case "replace":
      return signed({ ...endingClaims(newest, key), revoked: false }, by);
    case "withdraw":
      return signed({ ...endingClaims(newest), revoked: true }, by);
    default:
      return following(each, newest, key, by);
  }
}

/** With what is wrong about it, if anything. */
function following({ how, issued, until }: Step, newest: Certificate, next: Uint8Array, by: SigningKey) {
  const key = next;
  const issuedUnixMs = Math.min(NOW + issued, until);
  const right = {
    ...successorClaims(newest, key, { issuedUnixMs, preserveUntilUnixMs: until }),
    revoked: false,
  };
  const continuity = right.continuity;
  if (continuity === undefined) return signed(right, by);
  const said = (wrong: Partial<typeof continuity>): CertificateClaims => ({
    ...right,
    continuity: { ...continuity, ...wrong },
  });
  const agreed = (claims: CertificateClaims, holder = holderOf(newest.key)) =>
    signed(claims, by, agree(claims, holder, genesis.hash));
  switch (how) {
    case "another hash":
      return agreed(said({ previous: new Uint8Array(32).fill(7) }));
    case "another key before":
      return agreed(said({ previousKey: keys.stranger.publicKey }), keys.stranger);
    case "by another":
      return agreed(right, keys.stranger);
    case "of another cell":
      return signed(right, by, agree(right, holderOf(newest.key), new Uint8Array(32)));
    case "as a certificate":
      return signed(
        right,
        by,
        holderOf(newest.key).sign(certificateInput(genesis.hash, certificateBody(right))),
      );
    case "not signed":
      return signed(right, by);
    case "stray":
      return agreed(endingClaims(newest, key));
    case "forged":
      return signed(right, by, agree(right, holderOf(newest.key), genesis.hash), new Uint8Array(64).fill(1));
    case "itself":
      return agreed({ ...right, key: newest.key });
    case "too long":
      return agreed(said({ issuedUnixMs, preserveUntilUnixMs: issuedUnixMs + DAY_MS + 1 }));
    case "backwards":
      return agreed(said({ preserveUntilUnixMs: issuedUnixMs - 1 }));
    case "withdrawn":
      return agreed({ ...right, revoked: true });
    case "first":
      return agreed({ ...right, generation: 1 });
    case "genesis before":
      return agreed(said({ previousKey: keys.genesis.publicKey }), keys.genesis);
    default:
      return agreed(right);
  }
}

/** In any form: nothing of it is read. */
function signed(
  claims: CertificateClaims,
  by: SigningKey,
  continuitySignature: Uint8Array = new Uint8Array(),
  signature = by.sign(certificateInput(genesis.hash, certificateBody(claims))),
): Uint8Array {
  const message = create(SignedCertificateSchema, {
    ...{ body: copyOf(certificateBody(claims)), signer: copyOf(by.publicKey) },
    ...{ signature: copyOf(signature), continuitySignature: copyOf(continuitySignature) },
  });
  return toBinary(SignedCertificateSchema, message);
}
