// Who signs what is signed anew.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SignedTokenSchema, TokenBodySchema, TokenKind } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { copyOf } from "../../../src/security/bytes.ts";
import { type Chain, chainBytes } from "../../../src/security/capability/chain.ts";
import { signToken, type TokenClaims } from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { capabilityInput } from "../../../src/security/wire/signing-input.ts";
import { genesis, keys, must } from "../../security/cell-fixture.ts";
import { odd, people, rotated } from "./people.ts";

const signers: readonly Pick<SigningKey, "publicKey" | "sign">[] = [
  ...Object.values(keys),
  ...Object.values(people),
  ...Object.values(rotated).flat(),
  odd,
];

/** Who has this key; ann for one that nobody has. */
export const signerOf = (key: Uint8Array): Pick<SigningKey, "publicKey" | "sign"> =>
  signers.find(({ publicKey }) => Buffer.compare(publicKey, key) === 0) ?? keys.ann;

/** Under the key that it names as its issuer's. */
export function signedAnew(body: Uint8Array, issuer: Uint8Array): Uint8Array {
  const signature = copyOf(signerOf(issuer).sign(capabilityInput(genesis.hash, issuer, body)));
  return toBinary(SignedTokenSchema, create(SignedTokenSchema, { body: copyOf(body), signature }));
}

/** A link, also one whose targets are not its kind's. */
export function signedByHand(claims: TokenClaims, signer: SigningKey): Uint8Array {
  const made = signToken(claims, signer, genesis.hash);
  if (made.ok) return made.value.bytes;
  const { body } = must(signToken({ ...claims, kind: "federation" }, signer, genesis.hash));
  const kind = claims.kind === "system" ? TokenKind.SYSTEM : TokenKind.USER;
  const changed = { ...fromBinary(TokenBodySchema, body), kind };
  return signedAnew(toBinary(TokenBodySchema, changed), signer.publicKey);
}

/** What a chain becomes with one link more. */
export const chainWith = ({ links }: Chain, link: Uint8Array): Uint8Array =>
  chainBytes({ links: [...links.map(({ bytes }) => ({ bytes })), { bytes: link }] });
