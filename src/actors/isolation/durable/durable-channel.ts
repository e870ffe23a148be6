// The node's side of what a durable actor's host asks of its ports: commits, relays and
// answers of earlier incarnations. The ports are the node's; that side only asks, and is
// believed nothing that the node does not find in what it handed over or has committed.
import { CellError } from "../../../errors/cell-error.ts";
import type { ActorCommit, ActorRelay, ActorReturn } from "../../../gen/cell0/v1/channel_pb.ts";
import type { DurablePorts, DurableState, RelayedReply } from "../../durable/ports.ts";
import type { Delivery } from "../../intent.ts";
import { parseBounded } from "../bounded-json.ts";
import { encodable, fromOutcome, toActorFrame } from "../messages.ts";
import { violation } from "../remote-failure.ts";
import type { DurableSink } from "../remote-frames.ts";
import { Given } from "./given.ts";
import { committedOf, readCommit } from "./read-commit.ts";

export type DurableChannelOptions = {
  readonly durable: DurablePorts;
  /** Of the last commit; absent: it never ran. */
  readonly state: DurableState | undefined;
  readonly codeHash: string;
  readonly nowUnixMs: () => number;
  readonly reply: (frame: Uint8Array) => void;
  /** A commit was refused: nothing is to come about any more. */
  readonly refused: (error: CellError) => void;
  readonly committed: () => void;
};

export class DurableChannel implements DurableSink {
  readonly given: Given;
  readonly #options: DurableChannelOptions;
  /** Ways back that the loaded state holds, as JSON; one for each answer that it kept or owed. */
  readonly #returns: ReadonlySet<string>;
  readonly #maxWays: number;
  readonly #ways = new Map<number, Delivery["respond"]>();
  #lastWay = 0;
  /** Entries that were relayed by this incarnation, and are in the outbox. */
  readonly #relayed = new Set<number>();
  /** Of them those whose answer is waited for. */
  readonly #asked = new Set<number>();
  #flying = false;
  #stopped = false;

  constructor(options: DurableChannelOptions) {
    this.#options = options;
    const { state } = options;
    // As that side reads it.
    const plain: DurableState | undefined = state && JSON.parse(JSON.stringify(state));
    this.given = new Given(plain && committedOf(plain));
    const { host } = this.given.committed ?? {};
    const kept = [...(plain?.replies ?? []), ...(host?.owed ?? [])];
    this.#returns = new Set(kept.map(({ returnAddress }) => JSON.stringify(returnAddress)));
    this.#maxWays = kept.length;
  }

  /** Whether it waits for others to answer what it asked. */
  get isWaiting(): boolean {
    return this.#asked.size > 0;
  }

  /** Whether it waits for the word of a commit. */
  get isCommitting(): boolean {
    return this.#flying;
  }

  commit(message: ActorCommit): void {
    if (this.#flying) throw violation("a second commit while one is in flight");
    const { durable, codeHash, nowUnixMs, refused } = this.#options;
    const { committed, meta } = readCommit(message, { given: this.given, codeHash, nowUnixMs: nowUnixMs() });
    this.#flying = true;
    void durable.commit(committed.state, meta).then(
      (kept) => {
        if (this.#stopped) return;
        if (!kept.ok) return refused(kept.error);
        this.#flying = false;
        this.given.keep(committed);
        this.#tidy();
        this.#options.reply(toActorFrame({ case: "committed", value: {} }));
        this.#options.committed();
      },
      (cause) => {
        if (!this.#stopped) refused(new CellError("ACTOR_COMMIT_FAILED", undefined, { cause }));
      },
    );
  }

  relay({ sequence: number, wantsReply }: ActorRelay): void {
    const sequence = Number(number);
    const entry = this.given.committed?.outbox.get(sequence);
    if (entry === undefined || this.#relayed.has(sequence) || (wantsReply && !entry.wantsReply))
      throw violation(`outbox entry ${sequence} cannot be relayed`);
    this.#relayed.add(sequence);
    if (wantsReply) this.#asked.add(sequence);
    const { durable } = this.#options;
    const done = () => this.#tell({ case: "taken", value: { sequence: number } });
    if (wantsReply) durable.relay(entry, done, (answer) => this.#answered(sequence, answer));
    else durable.relay(entry, done);
  }

  returned(message: ActorReturn): void {
    const { way, index } = message;
    const read = fromOutcome(message.outcome);
    let respond = this.#ways.get(way);
    if (respond === undefined) {
      const address = parseBounded(message.returnAddress, "a return address");
      if (way <= this.#lastWay || way > this.#maxWays || !this.#returns.has(JSON.stringify(address)))
        throw violation("an answer to nobody whom it owes one");
      this.#lastWay = way;
      // It has just been found in the committed state, which is plain JSON.
      respond = this.#options.durable.responder(address as DurableState["host"], index);
      this.#ways.set(way, respond);
    }
    if (!read.ok || read.value.final) this.#ways.delete(way);
    respond(read.ok ? { kind: "value", ...read.value } : { kind: "error", error: read.error });
  }

  /** Nothing comes about by it any more. A commit that is in flight may still be kept. */
  stop(): void {
    this.#stopped = true;
  }

  #answered(sequence: number, answer: RelayedReply): void {
    if (!answer.ok || answer.value.final) this.#asked.delete(sequence);
    const place = answer.ok && answer.value.index !== undefined ? answer.value.index + 1 : 0;
    const value = { sequence: BigInt(sequence), outcome: encodable(answer), place };
    this.#tell({ case: "relayed", value });
  }

  #tell(kind: Parameters<typeof toActorFrame>[0]): void {
    if (!this.#stopped) this.#options.reply(toActorFrame(kind));
  }

  #tidy(): void {
    const outbox = this.given.committed?.outbox;
    for (const sequence of this.#relayed) {
      if (outbox?.has(sequence) === true) continue;
      this.#relayed.delete(sequence);
      this.#asked.delete(sequence);
    }
  }
}
