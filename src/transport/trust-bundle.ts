// How a client learns the certificates of the nodes that answer it: it asks any
// node for all of them. The answer is not trusted; each certificate in it must
// chain to the genesis that the client has in its own file.
import { create, toBinary } from "@bufbuild/protobuf";
import { perSecond } from "../collections/per-second.ts";
import { CellError } from "../errors/cell-error.ts";
import { TrustBundleSchema } from "../gen/cell0/v1/trust_pb.ts";
import { decodeStrict } from "../security/wire/strict-decode.ts";
import type { BrokerConnection, BrokerSubscription } from "./connection.ts";
import { inboxOwner, isAnswerable, trustBundleSubject } from "./subjects.ts";

const MAX_CERTIFICATES = 1024;
const MAX_BUNDLE_BYTES = 900 * 1024;
const BOUNDS = { "TrustBundle.certificates": MAX_CERTIFICATES };

export type TrustBundleOptions = {
  readonly connection: BrokerConnection;
  readonly cell: string;
  /** SignedCertificates, issuers before nodes; asked at each request. What exceeds 1,024 or 900 KiB is left out. */
  readonly certificates: () => readonly Uint8Array[];
};

/** A question is a hundred bytes, an answer up to 900 KiB, and who asks may name another's inbox. */
const ANSWERS_A_SECOND = { all: 256, each: 8 };
/** As long one encoding serves for all who ask. */
const ENCODED_MS = 100;

export function serveTrustBundle({ connection, cell, certificates }: TrustBundleOptions): BrokerSubscription {
  let encoded: { readonly bytes: Uint8Array; readonly atMs: number } | undefined;
  const mayAnswer = perSecond(ANSWERS_A_SECOND);
  return connection.subscribe(trustBundleSubject(cell), ({ reply }) => {
    if (reply === undefined || !isAnswerable(cell, reply)) return;
    const now = performance.now();
    if (!mayAnswer(inboxOwner(reply), now)) return;
    if (encoded === undefined || now - encoded.atMs > ENCODED_MS) {
      encoded = { bytes: encodeTrustBundle(certificates()), atMs: now };
    }
    connection.publish(reply, encoded.bytes);
  });
}

export function encodeTrustBundle(certificates: readonly Uint8Array[]): Uint8Array {
  const fitting: Uint8Array[] = [];
  let bytes = 0;
  for (const certificate of certificates.slice(0, MAX_CERTIFICATES)) {
    bytes += certificate.length + 4;
    if (bytes <= MAX_BUNDLE_BYTES) fitting.push(certificate);
  }
  return toBinary(TrustBundleSchema, create(TrustBundleSchema, { certificates: fitting }));
}

/** Certificates as a node gave them, not verified. Throws what a request throws, or BROKER_REPLY_UNTRUSTED. */
export async function fetchTrustBundle(
  connection: BrokerConnection,
  cell: string,
  timeoutMs: number,
): Promise<readonly Uint8Array[]> {
  const subject = trustBundleSubject(cell);
  const { data } = await connection.request(subject, new Uint8Array(), timeoutMs);
  const decoded =
    data.length > 2 * MAX_BUNDLE_BYTES ? undefined : decodeStrict(TrustBundleSchema, data, BOUNDS);
  if (decoded?.ok !== true) {
    throw new CellError("BROKER_REPLY_UNTRUSTED", "the trust bundle cannot be read", { where: subject });
  }
  return decoded.value.certificates;
}
