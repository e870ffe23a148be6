// The rules of what durable actors keep, checked on the streams' own bytes: one commit a
// number, numbers, positions and incarnations that only rise, the last strictly with each
// life, each record chained to the one before.
// Takes messages in the order of the stream; pure but for what it remembers.
import { fromBinary } from "@bufbuild/protobuf";
import {
  CommitRecordSchema,
  JournalRecordSchema,
  SealedRecordSchema,
} from "../../src/gen/cell0/v1/durable_pb.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";
import { type Incarnation, isAbove, shown } from "./incarnation.ts";
import { type KeptState, keptState } from "./kept-state.ts";
import { type Lives, seeLife, type Where } from "./lives.ts";

export type Message = { readonly subject: string; readonly sequence: number; readonly data: Uint8Array };

type Last = {
  readonly number: bigint;
  readonly incarnation: Incarnation;
  readonly hash: string;
  readonly sequence: number;
};
type Next = Omit<Last, "sequence"> & { readonly previous: string };

type Shown = Where & { readonly kept: KeptState | undefined };

/** Faults kept; more say no more. */
const MAX_FAULTS = 100;

export class CommitJudge {
  readonly #last = new Map<string, Last>();
  readonly #lives = new Map<string, Lives>();
  /** Of each actor the lives whose word waits inside it, and where that was first seen. */
  readonly #waiting = new Map<string, ReadonlyMap<string, Where>>();
  readonly #counts = new Map<string, KeptState["counts"]>();
  readonly faults: string[] = [];
  records = 0;
  /** Records that were replaced before they could be read: of them nothing is known. */
  unseen = 0;

  /** Lives that some commit shows, of all actors. */
  get lives(): number {
    return [...this.#lives.values()].reduce((sum, { count }) => sum + count, 0);
  }

  state({ subject, sequence, data }: Message): void {
    const { record } = fromBinary(SealedRecordSchema, data);
    const commit = fromBinary(CommitRecordSchema, record);
    const { actor, number, incarnation, previousHash, state, repeated } = commit;
    const of = { term: incarnation?.term ?? 0n, activation: incarnation?.activation ?? 0n };
    const what = `commit of ${actor}, sequence ${sequence}`;
    const next = { number, incarnation: of, previous: toHex(previousHash), hash: toHex(sha256(record)) };
    const before = this.unseen;
    if (this.#follow(what, sequence, subject, next)) {
      // A life may have begun in one that was not seen.
      const isFirst = !repeated && this.unseen === before;
      this.#look(what, actor, { incarnation: of, isFirst, kept: keptState(state) });
    }
  }

  journal({ subject, sequence, data }: Message): void {
    const { record } = fromBinary(SealedRecordSchema, data);
    const { shard, number, term, previousHash } = fromBinary(JournalRecordSchema, record);
    this.#follow(`journal of shard ${shard}, sequence ${sequence}`, sequence, subject, {
      number,
      incarnation: { term, activation: 0n },
      previous: toHex(previousHash),
      hash: toHex(sha256(record)),
    });
  }

  /** False: it was told before; a consumer that is made again may be told the same message twice. */
  #follow(at: string, sequence: number, subject: string, next: Next): boolean {
    const last = this.#last.get(subject);
    if (last !== undefined && sequence <= last.sequence) return false;
    this.records += 1;
    this.#last.set(subject, { ...next, sequence });
    if (last === undefined) return true;
    if (next.number === last.number) this.#fault(`${at}: two with number ${next.number}`);
    else if (next.number < last.number) this.#fault(`${at}: number ${next.number} after ${last.number}`);
    else this.unseen += Number(next.number - last.number - 1n);
    if (isAbove(last.incarnation, next.incarnation)) {
      this.#fault(`${at}: incarnation ${shown(next.incarnation)} after ${shown(last.incarnation)}`);
    }
    // Where none was missed, the chain must hold.
    if (next.number === last.number + 1n && next.previous !== last.hash) {
      this.#fault(`${at}: not chained to the one before`);
    }
    return true;
  }

  #look(at: string, actor: string, { kept, ...here }: Shown): void {
    if (kept === undefined) return;
    const waited = this.#waiting.get(actor);
    this.#waiting.set(actor, new Map(kept.waiting.map((life) => [life, waited?.get(life) ?? here])));
    const { lives, fault } = seeLife(this.#lives.get(actor), kept.life, waited?.get(kept.life) ?? here);
    if (fault !== undefined) this.#fault(`${at}: ${fault}`);
    if (lives !== undefined) this.#lives.set(actor, lives);
    for (const [name, before] of this.#counts.get(actor) ?? []) {
      const now = kept.counts.get(name);
      if (now !== undefined && now < before) this.#fault(`${at}: ${name} ${now} after ${before}`);
    }
    this.#counts.set(actor, kept.counts);
  }

  #fault(text: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(text);
  }
}
