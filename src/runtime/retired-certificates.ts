// Older certificates of nodes and issuers: what they signed in their time stays readable. Kept on this node's
// own disk, and found in the cell's stream, where they can stand before what it takes to judge them.
import type { CellError } from "../errors/cell-error.ts";
import { sha256, toHex } from "../security/bytes.ts";
import { type Certificate, issuersFirst, readCertificate } from "../security/trust/certificate.ts";
import { MAX_RETIRED } from "../security/trust/retired-keys.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { RecordMirror } from "./record-mirror.ts";

export type RetiredCertificates = {
  /** Writes what the store holds of a principal. */
  keep(principal: string): Promise<void>;
  /** A record of the stream that the store did not take: false when that is a problem. */
  excuse(record: Certificate, error: CellError): Promise<boolean>;
  /** The stream was read: judges what stood before its issuer. */
  settle(): Promise<void>;
};

/** Of what is judged later; what finds no room is told as a problem. */
const MAX_EARLIER = 16_384;

type Earlier = { readonly record: Certificate; readonly error: CellError };

/** @param disk by the hash of each */
export async function openRetired(
  store: TrustStore,
  disk: RecordMirror,
  onProblem: (error: CellError) => void,
): Promise<RetiredCertificates> {
  /** Generations of the files, by principal and name. */
  const files = new Map<string, Map<string, number>>();
  const filesOf = (principal: string): Map<string, number> => {
    const known = files.get(principal) ?? new Map<string, number>();
    files.set(principal, known);
    return known;
  };
  const restore = async (): Promise<void> => {
    for (const bytes of issuersFirst((await disk.all()).values())) store.restoreRetired(bytes, Date.now());
  };
  for (const [name, bytes] of await disk.all()) {
    const read = readCertificate(bytes);
    if (read.ok) filesOf(read.value.principal).set(name, read.value.generation);
  }
  await restore();
  const keep = async (principal: string): Promise<void> => {
    const known = filesOf(principal);
    for (const { bytes, generation } of store.retired(principal)) {
      const name = toHex(sha256(bytes));
      if (known.has(name)) continue;
      await disk.put(name, bytes);
      known.set(name, generation);
    }
    // What the store does not hold may be understood once more is known.
    const lowestFirst = [...known].toSorted(([, one], [, other]) => one - other);
    for (const [name] of lowestFirst.slice(0, -MAX_RETIRED)) {
      await disk.remove(name);
      known.delete(name);
    }
  };
  const isKnown = ({ principal, generation }: Certificate): boolean =>
    generation <= (store.newest(principal)?.generation ?? 0);
  /** False: nothing newer of its principal is known, so it is missed. */
  const judge = async (record: Certificate): Promise<boolean> => {
    if (!isKnown(record)) return false;
    if (store.restoreRetired(record.bytes, Date.now())) await keep(record.principal);
    return true;
  };
  let earlier: Earlier[] | undefined = [];
  return {
    keep,
    async excuse(record, error) {
      if (error.code === "AUTHORITY_GENERATION_SUPERSEDED") {
        await keep(record.principal);
        return true;
      }
      if (error.code !== "AUTHORITY_CHAIN_BROKEN") return false;
      if (earlier !== undefined && earlier.length < MAX_EARLIER) {
        earlier.push({ record, error });
        return true;
      }
      return await judge(record);
    },
    async settle() {
      const waiting = earlier ?? [];
      earlier = undefined;
      await restore();
      for (const { record, error } of waiting) if (!(await judge(record))) onProblem(error);
    },
  };
}
