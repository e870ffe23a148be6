// Capsule bytes -> signed envelopes: one signature over one capsule, or one over
// the Merkle root of many, shared by the envelopes that they are spread over.
import { Algorithm } from "../../gen/cell0/v1/capsule_pb.ts";
import { ProtoWriter } from "../../wire/proto-writer.ts";
import { sha256 } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { MAX_CAPSULES } from "./envelope.ts";
import { buildTree, leafHash, rangePath, rootOf } from "./merkle.ts";
import { batchInput, singleInput } from "./signing-input.ts";

/** What signs: the issuer's key, for one cell. */
export type Sealing = { readonly key: Signer; readonly genesisHash: Uint8Array };

export function sealOne(capsule: Uint8Array, { key, genesisHash }: Sealing): Uint8Array {
  const signature = key.sign(singleInput(genesisHash, key.publicKey, sha256(capsule)));
  writeHead(key.publicKey, [capsule]);
  const proof = writer.open(4);
  writer.bytes(1, signature);
  writer.close(proof);
  return writer.finish();
}

/** Written field by field, in the order of their numbers. */
const writer = new ProtoWriter();

function writeHead(issuer: Uint8Array, capsules: readonly Uint8Array[]): void {
  writer.bytes(1, issuer);
  writer.number(2, Algorithm.ED25519);
  for (const capsule of capsules) writer.element(3, capsule);
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
    writeHead(key.publicKey, capsules);
    const proof = writer.open(5);
    writer.bytes(1, signature);
    writer.big(2, batch);
    writer.number(3, count);
    writer.number(4, firstIndex);
    writer.bytes(5, root);
    for (const node of path) writer.element(6, node);
    writer.close(proof);
    firstIndex += capsules.length;
    return writer.finish();
  });
}
