// This node's own copy of what is revoked: each record a file, named by its hash. Nothing leaves the
// disk before it was read, and what cannot be read stays.
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import type { RevocationList, Taken } from "../security/revocation/revocation-list.ts";
import { type Revocations, readRevocations } from "../security/revocation/revocations.ts";
import type { Genesis } from "../security/trust/genesis.ts";
import type { RecordMirror } from "./record-mirror.ts";

export type RevocationCopyPorts = {
  readonly mirror: RecordMirror;
  readonly genesis: Genesis;
  readonly list: RevocationList;
  readonly onProblem: (error: CellError) => void;
};

export class RevocationCopy {
  readonly #ports: RevocationCopyPorts;
  /** Names of files that stay: records that gave way in memory, and what cannot be read. */
  readonly #staying = new Set<string>();
  #waiting: readonly Revocations[] = [];
  #isDamaged = false;
  #isUnread = false;
  #isTold = false;

  constructor(ports: RevocationCopyPorts) {
    this.#ports = ports;
  }

  /** Whether it may hold what nobody here knows: until that is read, or somebody else tells, nothing can be relied on. */
  get isInDoubt(): boolean {
    return this.#isDamaged || this.#isUnread;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes all that is there into the list. Throws what the file system throws. */
  async read(): Promise<void> {
    for (const [name, bytes] of await this.#ports.mirror.all()) this.#takeFile(name, bytes);
    this.#waiting = this.#ports.list.records();
    this.#isUnread = false;
  }

  /** Never rejects: what could not be read is in doubt until it can. */
  async readAgain(): Promise<void> {
    try {
      await this.read();
    } catch (cause) {
      this.#isUnread = true;
      const what = "this node's copy of what is revoked cannot be read";
      this.#ports.onProblem(new CellError("CAPABILITY_REVOCATIONS_INVALID", what, { cause }));
    }
  }

  async readAgainIfUnread(): Promise<void> {
    if (this.#isUnread) await this.readAgain();
  }

  /** Others have said what is revoked: what is damaged here is no loss. */
  told(): void {
    this.#isTold = true;
    this.#isDamaged = false;
  }

  /** A record was taken into the list: it is to be kept with the next `keep`. */
  taken({ given }: Taken): void {
    this.#waiting = this.#ports.list.records();
    for (const record of given) this.#staying.add(nameOf(record));
  }

  /** Throws CAPABILITY_REVOCATIONS_UNWRITTEN. */
  async keep(): Promise<void> {
    const { mirror, list } = this.#ports;
    const records = this.#waiting;
    if (records.length === 0) return;
    try {
      const there = await mirror.all();
      for (const record of records)
        if (!there.has(nameOf(record))) await mirror.put(nameOf(record), record.bytes);
      if (this.#waiting === records) this.#waiting = [];
      const known = new Set([...records, ...list.records()].map(nameOf));
      for (const [name, bytes] of there) if (!known.has(name)) this.#takeFile(name, bytes);
      const held = new Set([...known, ...list.records().map(nameOf), ...this.#staying]);
      for (const name of there.keys()) if (!held.has(name)) await mirror.remove(name);
    } catch (cause) {
      throw new CellError("CAPABILITY_REVOCATIONS_UNWRITTEN", "its own disk did not take it", { cause });
    }
  }

  #takeFile(name: string, bytes: Uint8Array): void {
    const { genesis, list, onProblem } = this.#ports;
    const read = readRevocations(bytes, genesis, Date.now());
    if (read.ok) {
      for (const record of list.take(read.value, Date.now())?.given ?? []) this.#staying.add(nameOf(record));
      return;
    }
    this.#staying.add(name);
    if (this.#isTold) return;
    this.#isDamaged = true;
    const what = `this node's copy of what is revoked is damaged: revocations/${name}.revoked`;
    const remedy =
      "It lets no token count until it hears what is revoked; remove the file when nobody else knows.";
    onProblem(new CellError("CAPABILITY_REVOCATIONS_INVALID", what, { cause: read.error, remedy }));
  }
}

const nameOf = ({ hash }: Revocations): string => toHex(hash);
