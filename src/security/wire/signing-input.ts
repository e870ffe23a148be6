// The exact bytes under each signature, as the .proto files state them. A domain
// tag with its trailing NUL begins each, so that no signature serves twice.
import { concat, sha256 } from "../bytes.ts";

const domain = (name: string): Uint8Array => new TextEncoder().encode(`cell0/v1/${name}\0`);

const CAPSULE = domain("capsule");
const BATCH = domain("batch");
const CERTIFICATE = domain("certificate");
const CONTINUITY = domain("continuity");
const REVISION = domain("revision");
const CAPABILITY = domain("capability");
const APPROVAL = domain("approval");
const ACTOR_HOLDER = domain("actor-holder");
const REVOCATIONS = domain("revocations");
const REVOCATIONS_HEAD = domain("revocations-head");
export const LEAF_DOMAIN = domain("leaf");

export const HASH_BYTES = 32;
/** ALGORITHM_ED25519, as the one byte that is signed. */
const ED25519 = Uint8Array.of(1);

export function singleInput(
  genesisHash: Uint8Array,
  issuer: Uint8Array,
  capsuleHash: Uint8Array,
): Uint8Array {
  return concat(CAPSULE, genesisHash, ED25519, issuer, capsuleHash);
}

export type BatchInput = { readonly batch: bigint; readonly count: number; readonly root: Uint8Array };

export function batchInput(genesisHash: Uint8Array, issuer: Uint8Array, input: BatchInput): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setBigUint64(0, input.batch);
  numbers.setUint32(8, input.count);
  return concat(BATCH, genesisHash, ED25519, issuer, new Uint8Array(numbers.buffer), input.root);
}

export const certificateInput = (genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(CERTIFICATE, genesisHash, sha256(body));

/** By the key before, over a certificate whose key follows it. */
export const continuityInput = (genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(CONTINUITY, genesisHash, sha256(body));

export const revisionInput = (genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(REVISION, genesisHash, sha256(body));

export const capabilityInput = (genesisHash: Uint8Array, issuer: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(CAPABILITY, genesisHash, ED25519, issuer, sha256(body));

export const approvalInput = (
  genesisHash: Uint8Array,
  approver: Uint8Array,
  tokenHash: Uint8Array,
): Uint8Array => concat(APPROVAL, genesisHash, ED25519, approver, tokenHash);

/** Not signed: its SHA-256 names an actor as the holder of a token. */
export const actorHolderInput = (genesisHash: Uint8Array, path: string): Uint8Array =>
  concat(ACTOR_HOLDER, genesisHash, new TextEncoder().encode(path));

export const revocationsInput = (genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(REVOCATIONS, genesisHash, sha256(body));

export const revocationsHeadInput = (genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concat(REVOCATIONS_HEAD, genesisHash, sha256(body));
