// The certificates that count here: loaded from this node's own copy first, then
// from the cell's stream, each verified against genesis. What is newer here than
// there is published again: a broker restored from an old copy rolls nothing back.
import { CellError } from "../errors/cell-error.ts";
import { equalBytes } from "../security/bytes.ts";
import {
  type Certificate,
  hasValidSignature,
  issuersFirst,
  readCertificate,
} from "../security/trust/certificate.ts";
import type { Genesis } from "../security/trust/genesis.ts";
import { TrustStore } from "../security/trust/trust-store.ts";
import type { TrustStream } from "../transport/streams/trust-stream.ts";
import type { RecordMirror } from "./record-mirror.ts";
import { openRetired } from "./retired-certificates.ts";

export type CellTrust = {
  readonly store: TrustStore;
  /** Verifies, keeps and publishes a certificate. Throws what the store or the stream refuses. */
  publish(bytes: Uint8Array): Promise<Certificate>;
  /** Publishes what the stream lacks; a node in standby does so once it takes over. */
  activate(): Promise<void>;
  stop(): Promise<void>;
};

export type TrustPorts = {
  readonly genesis: Genesis;
  readonly mirror: RecordMirror;
  /** Older certificates of nodes and issuers, by the hash of each: what they signed in their time stays readable. */
  readonly retired: RecordMirror;
  readonly stream: TrustStream;
  /** Another process of this node writes: nothing is published before `activate`. */
  readonly standby?: boolean;
  readonly onChange: (certificate: Certificate) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openTrust(ports: TrustPorts): Promise<CellTrust> {
  const store = new TrustStore(ports.genesis);
  for (const bytes of issuersFirst((await ports.mirror.all()).values())) {
    const added = store.add(bytes, Date.now());
    if (!added.ok && added.error.code !== "AUTHORITY_CHAIN_BROKEN") ports.onProblem(added.error);
  }
  const retired = await openRetired(store, ports.retired, ports.onProblem);
  const take = async (bytes: Uint8Array): Promise<void> => {
    const added = store.add(bytes, Date.now());
    if (!added.ok) throw added.error;
    for (const certificate of added.value) {
      await retired.keep(certificate.principal);
      await ports.mirror.put(certificate.principal, certificate.bytes);
      ports.onChange(certificate);
    }
  };
  await ports.stream.ensure();
  await takeIssuers(store, ports, take);
  const follower = ports.stream.follow({
    accept: async ({ data, subject }) => {
      const read = readCertificate(data);
      if (!read.ok) throw read.error;
      // Under another's name it would hide that principal's own certificate.
      if (!subject.endsWith(`.${read.value.principal}`))
        throw new CellError("AUTHORITY_PRINCIPAL_MISMATCH", undefined, { where: subject });
      await take(data).catch(async (error: unknown) => {
        if (!(error instanceof CellError) || !(await retired.excuse(read.value, error))) throw error;
      });
    },
    onProblem: ports.onProblem,
  });
  await follower.caughtUp;
  await retired.settle();
  if (ports.standby !== true) await publishMissing(store, ports);
  return {
    store,
    activate: () => publishMissing(store, ports),
    async publish(bytes) {
      const read = readCertificate(bytes);
      if (!read.ok) throw read.error;
      await take(bytes);
      await put(ports.stream, read.value, store);
      return read.value;
    },
    stop: () => follower.stop(),
  };
}

/**
 * An issuer's newest certificate can stand behind those that it signed: they would wait for it, and there is room
 * for few.
 */
async function takeIssuers(
  store: TrustStore,
  { stream, onProblem }: TrustPorts,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  for (const { certificate } of store.snapshot(Date.now())) {
    if (certificate.kind !== "issuer") continue;
    const last = await stream.last(certificate.principal);
    if (last === undefined) continue;
    await take(last.data).catch((error: unknown) => onProblem(error as CellError));
  }
}

/** Puts there what the stream lacks, or holds in an older generation. */
async function publishMissing(store: TrustStore, { stream, onProblem }: TrustPorts): Promise<void> {
  for (const { certificate } of store.snapshot(Date.now())) {
    try {
      await put(stream, certificate, store);
    } catch (error) {
      onProblem(error as CellError);
    }
  }
}

/** Writes it unless the stream has it, or a newer one that holds, already. Throws on conflict with another writer. */
async function put(stream: TrustStream, certificate: Certificate, store: TrustStore): Promise<void> {
  const last = await stream.last(certificate.principal);
  if (last !== undefined && standsFor(last.data, certificate, store)) return;
  const written = await stream.publish(certificate.principal, certificate.bytes, last?.sequence ?? 0);
  if (!written.ok) throw written.error;
}

/** A record in the stream is anybody's: a made-up one of a high generation must not keep a withdrawal out. */
function standsFor(data: Uint8Array, { principal, generation }: Certificate, store: TrustStore): boolean {
  const read = readCertificate(data);
  if (!read.ok || read.value.principal !== principal || read.value.generation < generation) return false;
  const { kind, signer } = read.value;
  const issuer = store.byKey(signer, Date.now());
  const chained =
    kind === "issuer"
      ? equalBytes(signer, store.genesis.genesisKey)
      : issuer.ok && issuer.value.kind === "issuer";
  return chained && hasValidSignature(read.value, store.genesis.hash);
}
