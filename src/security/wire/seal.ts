// Capsule bytes -> signed envelopes: one signature over one capsule, or one over
// the Merkle root of many, shared by the envelopes that they are spread over.
import { create, toBinary } from "@bufbuild/protobuf";
import { Algorithm, EnvelopeSchema } from "../../gen/cell0/v1/capsule_pb.ts";
import { sha256 } from "../bytes.ts";
import type { SigningKey } from "../keys/signing-key.ts";
import { MAX_CAPSULES } from "./envelope.ts";
import { buildTree, leafHash, rangePath, rootOf } from "./merkle.ts";
import { batchInput, singleInput } from "./signing-input.ts";

/** What signs: the issuer's key, for one cell. */
export type Sealing = { readonly key: SigningKey; readonly genesisHash: Uint8Array };

export function sealOne(capsule: Uint8Array, { key, genesisHash }: Sealing): Uint8Array {
  const signature = key.sign(singleInput(genesisHash, key.publicKey, sha256(capsule)));
  return toBinary(
    EnvelopeSchema,
    create(EnvelopeSchema, {
      issuer: key.publicKey,
      algorithm: Algorithm.ED25519,
      capsules: [capsule],
      proof: { case: "single", value: { signature } },
    }),
  );
}

/**
 * One batch, one signature, one envelope a group, in order.
 * @param groups capsules that travel together: 1 to 64 each, 4,096 in all
 * @param batch number of the batch, rising for each issuer
 */
export function sealBatch(
  groups: readonly (readonly Uint8Array[])[],
  { key, genesisHash }: Sealing,
  batch: bigint,
): Uint8Array[] {
  if (groups.some(({ length }) => length < 1 || length > MAX_CAPSULES)) {
    throw new RangeError(`an envelope holds 1 to ${MAX_CAPSULES} capsules`);
  }
  const tree = buildTree(groups.flat().map(leafHash));
  const root = rootOf(tree);
  const count = tree[0]?.length ?? 0;
  const signature = key.sign(batchInput(genesisHash, key.publicKey, { batch, count, root }));
  let firstIndex = 0;
  return groups.map((capsules) => {
    const path = rangePath(tree, firstIndex, capsules.length);
    const message = create(EnvelopeSchema, {
      issuer: key.publicKey,
      algorithm: Algorithm.ED25519,
      capsules: [...capsules],
      proof: { case: "merkle", value: { signature, batch, count, firstIndex, root, path } },
    });
    firstIndex += capsules.length;
    return toBinary(EnvelopeSchema, message);
  });
}
