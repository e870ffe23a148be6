// Who signs what is signed anew.
import { create, toBinary } from "@bufbuild/protobuf";
import { SignedTokenSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { copyOf } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { capabilityInput } from "../../../src/security/wire/signing-input.ts";
import { genesis, keys } from "../../security/cell-fixture.ts";
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
