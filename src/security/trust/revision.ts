// Revisions of the graph as they are kept in the broker: signed by a node of the
// cell, chained by hash. What the graph means is not judged here.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { Algorithm } from "../../gen/cell0/v1/capsule_pb.ts";
import { RevisionBodySchema, SignedRevisionSchema } from "../../gen/cell0/v1/trust_pb.ts";
import { copyOf, sha256 } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { isToken } from "../names.ts";
import { ID_BYTES } from "../wire/capsule.ts";
import { openSigned } from "../wire/open-signed.ts";
import { HASH_BYTES, revisionInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { firstNodeOf } from "./first-node.ts";
import type { Genesis } from "./genesis.ts";
import type { TrustStore } from "./trust-store.ts";

export const MAX_REVISION_BYTES = 1024 * 1024;

export type RevisionClaims = {
  /** From 1, without gaps. */
  readonly revision: number;
  readonly createdUnixMs: number;
  /** Principal that asked for it. */
  readonly author: string;
  /** Opaque here; whoever unpacks it bounds what comes out. */
  readonly graph: Uint8Array;
  /** 0 when it is new. */
  readonly rollbackOf: number;
  /** SHA-256 of the previous revision's body; empty for the first. */
  readonly previousHash: Uint8Array;
  /** Capsule that asked for it; empty when none did. */
  readonly causeId: Uint8Array;
};

export type KeptRevision = RevisionClaims & {
  /** SignedRevision as it travels. */
  readonly bytes: Uint8Array;
  /** SHA-256 of its body, for the next one's `previousHash`. */
  readonly bodyHash: Uint8Array;
  /** Key that signed it. */
  readonly signer: Uint8Array;
};

export type Revision = KeptRevision & {
  /** Node that signed it. */
  readonly node: string;
};

export function signRevision(
  claims: RevisionClaims,
  key: Signer,
  genesisHash: Uint8Array,
): Result<Uint8Array, CellError> {
  const fault = checkClaims(claims);
  if (fault !== undefined) return invalid(fault);
  const body = toBinary(
    RevisionBodySchema,
    create(RevisionBodySchema, {
      ...claims,
      revision: BigInt(claims.revision),
      createdUnixMs: BigInt(claims.createdUnixMs),
      rollbackOf: BigInt(claims.rollbackOf),
      algorithm: Algorithm.ED25519,
    }),
  );
  const signature = key.sign(revisionInput(genesisHash, body));
  const signed = create(SignedRevisionSchema, { body, signer: key.publicKey, signature });
  const bytes = toBinary(SignedRevisionSchema, signed);
  return bytes.length > MAX_REVISION_BYTES ? invalid(tooLarge(bytes)) : ok(bytes);
}

/**
 * The signer must be a node that is certified for shard 0, where the graph is kept, by a certificate that is
 * valid now: whoever has a key that was removed could date a revision back. A node that takes another key
 * signs the newest one anew.
 */
export function verifyRevision(
  source: Uint8Array,
  trust: TrustStore,
  nowUnixMs: number,
): Result<Revision, CellError> {
  const read = readSigned(source, trust.genesis);
  if (!read.ok) return read;
  const { signer, revision } = read.value;
  const node = firstNodeOf(signer, trust, nowUnixMs);
  if (!node.ok) return typeof node.error === "string" ? invalid(node.error) : err(node.error);
  return ok({ ...revision, node: node.value.principal });
}

/**
 * A revision of this node's own copy, which verifyRevision judged when it was
 * kept: its node may have another key by now, so that only the signature is checked again.
 */
export function readKeptRevision(source: Uint8Array, genesis: Genesis): Result<KeptRevision, CellError> {
  const read = readSigned(source, genesis);
  return read.ok ? ok(read.value.revision) : read;
}

function readSigned(
  source: Uint8Array,
  genesis: Genesis,
): Result<{ readonly signer: Uint8Array; readonly revision: KeptRevision }, CellError> {
  if (source.length > MAX_REVISION_BYTES) return invalid(tooLarge(source));
  const bytes = copyOf(source);
  const signed = openSigned(decodeStrict(SignedRevisionSchema, bytes, {}), (body) =>
    revisionInput(genesis.hash, body),
  );
  if (!signed.ok) return invalid(signed.error);
  const { body, signer } = signed.value;
  const claims = readClaims(body);
  if (!claims.ok) return claims;
  return ok({ signer, revision: { ...claims.value, bytes, bodyHash: sha256(body), signer } });
}

function readClaims(body: Uint8Array): Result<RevisionClaims, CellError> {
  const decoded = decodeStrict(RevisionBodySchema, body, {});
  if (!decoded.ok) return invalid(decoded.error.message);
  const { author, graph, previousHash, causeId, algorithm } = decoded.value;
  if (algorithm !== Algorithm.ED25519) return invalid("its algorithm is unknown");
  const claims = {
    revision: Number(decoded.value.revision),
    createdUnixMs: Number(decoded.value.createdUnixMs),
    author,
    graph,
    rollbackOf: Number(decoded.value.rollbackOf),
    previousHash,
    causeId,
  };
  const fault = checkClaims(claims);
  return fault === undefined ? ok(claims) : invalid(fault);
}

function checkClaims(claims: RevisionClaims): string | undefined {
  const { revision, createdUnixMs, author, rollbackOf, previousHash, causeId } = claims;
  const numbers = [revision, createdUnixMs, rollbackOf];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    return "a number is out of range";
  if (revision < 1 || rollbackOf >= revision)
    return "its number must be 1 or more, and above what it restores";
  if (!isToken(author)) return "its author is not a token of [a-z0-9-]";
  if (previousHash.length !== (revision === 1 ? 0 : HASH_BYTES))
    return "its previous hash has the wrong length";
  if (causeId.length !== 0 && causeId.length !== ID_BYTES) return "its cause has the wrong length";
  return undefined;
}

const tooLarge = ({ length }: Uint8Array): string => `it has ${length} bytes, at most ${MAX_REVISION_BYTES}`;
const invalid = (why: string) =>
  err(new CellError("AUTHORITY_REVISION_INVALID", `the revision is not valid: ${why}`));
