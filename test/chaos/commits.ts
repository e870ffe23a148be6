// The rules of what durable actors keep, checked on the streams' own bytes: one commit a
// number, numbers and incarnations that only rise, each record chained to the one before.
// Takes messages in the order of the stream; pure but for what it remembers.
import { fromBinary } from "@bufbuild/protobuf";
import {
  CommitRecordSchema,
  JournalRecordSchema,
  SealedRecordSchema,
} from "../../src/gen/cell0/v1/durable_pb.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";

export type Message = { readonly subject: string; readonly sequence: number; readonly data: Uint8Array };

type Last = {
  readonly number: bigint;
  readonly term: bigint;
  readonly activation: bigint;
  readonly hash: string;
  readonly sequence: number;
};

/** Faults kept; more say no more. */
const MAX_FAULTS = 100;

export class CommitJudge {
  readonly #last = new Map<string, Last>();
  readonly faults: string[] = [];
  records = 0;

  state({ subject, sequence, data }: Message): void {
    const { record } = fromBinary(SealedRecordSchema, data);
    const commit = fromBinary(CommitRecordSchema, record);
    this.#follow(`commit of ${commit.actor}`, sequence, subject, {
      number: commit.number,
      term: commit.incarnation?.term ?? 0n,
      activation: commit.incarnation?.activation ?? 0n,
      previous: toHex(commit.previousHash),
      hash: toHex(sha256(record)),
    });
  }

  journal({ subject, sequence, data }: Message): void {
    const { record } = fromBinary(SealedRecordSchema, data);
    const journal = fromBinary(JournalRecordSchema, record);
    this.#follow(`journal of shard ${journal.shard}`, sequence, subject, {
      number: journal.number,
      term: journal.term,
      activation: 0n,
      previous: toHex(journal.previousHash),
      hash: toHex(sha256(record)),
    });
  }

  #follow(
    what: string,
    sequence: number,
    subject: string,
    next: Omit<Last, "sequence"> & { readonly previous: string },
  ): void {
    const last = this.#last.get(subject);
    // A consumer that is made again may be told the same message twice.
    if (last !== undefined && sequence <= last.sequence) return;
    this.records += 1;
    this.#last.set(subject, { ...next, sequence });
    if (last === undefined) return;
    const at = `${what}, sequence ${sequence}`;
    if (next.number === last.number) this.#fault(`${at}: two with number ${next.number}`);
    else if (next.number < last.number) this.#fault(`${at}: number ${next.number} after ${last.number}`);
    if (next.term < last.term || (next.term === last.term && next.activation < last.activation)) {
      this.#fault(`${at}: incarnation ${next.term}.${next.activation} after ${last.term}.${last.activation}`);
    }
    // Where none was missed, the chain must hold.
    if (next.number === last.number + 1n && next.previous !== last.hash) {
      this.#fault(`${at}: not chained to the one before`);
    }
  }

  #fault(text: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(text);
  }
}
