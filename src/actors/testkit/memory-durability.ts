// A journal and a state stream in memory, for one actor: what a durable actor in a test
// goes on from after a crash. Fails when told to, at each point of a commit.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { Json } from "../../manifest/graph.ts";
import type { CommitMeta, DurablePorts, DurableState, OutboxEntry } from "../durable/ports.ts";
import type { Delivery, OutgoingIntent, OutgoingReply } from "../intent.ts";

/** What becomes of the next commit. */
export type CommitFault =
  /** It is not kept, and the actor hears so. */
  | "refused"
  /** Another incarnation owns the actor. */
  | "fenced"
  /** It is not kept, and no word comes. */
  | "silent"
  /** The process dies before it is kept. */
  | "crash before"
  /** The process dies after it is kept, and before anything is performed. */
  | "crash after";

export type MemoryPorts = {
  /** The process dies at once. */
  crash(): void;
  /** An intent leaves, or leaves again: told apart by its sequence. */
  sent(entry: OutboxEntry, onReply: OutgoingIntent["onReply"]): void;
};

type Caller = { readonly respond: (reply: OutgoingReply) => void; got: number };

export class MemoryDurability {
  /** The last commit, as text. */
  #state: string | undefined;
  #meta: CommitMeta | undefined;
  #incarnation = 0;
  #commits = 0;
  #positions = 0;
  readonly #journal: Delivery[] = [];
  readonly #callers = new Map<string, Caller>();
  #crash: () => void = () => {};
  /** Since it died nothing gets out, until the next incarnation. */
  #isDead = false;
  /** Replies and sends after which the process dies, in the middle of what it performs. */
  effectsLeft: number | undefined;
  /** Of the next commit. */
  fault: CommitFault | undefined;

  /** Commits kept so far. */
  get commits(): number {
    return this.#commits;
  }

  get state(): DurableState | undefined {
    return this.#state === undefined ? undefined : JSON.parse(this.#state);
  }

  get meta(): CommitMeta | undefined {
    return this.#meta;
  }

  forgetFaults(): void {
    this.fault = undefined;
    this.effectsLeft = undefined;
  }

  /** Puts an accepted intent into the journal. */
  append(delivery: Delivery): Delivery {
    const address = `caller-${++this.#positions}`;
    this.#callers.set(address, { respond: delivery.respond, got: 0 });
    const journaled = { position: this.#positions, returnAddress: address };
    const entry = { ...delivery, journaled, respond: this.#responder(address, 0) };
    this.#journal.push(entry);
    return entry;
  }

  /** What the next incarnation is given first: all that no commit covers. */
  undecided(): readonly Delivery[] {
    const applied = this.state?.applied;
    return this.#journal.flatMap((entry) => {
      const { position = 0, returnAddress = null } = entry.journaled ?? {};
      if (position <= (applied?.[entry.intent.priority] ?? 0)) return [];
      return [{ ...entry, respond: this.#responder(String(returnAddress), 0) }];
    });
  }

  /** For one incarnation; those of an earlier one are fenced from now on. */
  ports({ crash, sent }: MemoryPorts): DurablePorts {
    const incarnation = ++this.#incarnation;
    this.#crash = crash;
    this.#isDead = false;
    return {
      commit: (state, meta) => {
        if (incarnation !== this.#incarnation) return Promise.resolve(fenced());
        if (this.#isDead) return new Promise(() => {});
        return this.#commit(state, meta, crash);
      },
      relay: (entry, done, onReply) => {
        if (this.#diesNow()) return;
        sent(entry, onReply);
        done();
      },
      responder: (address: Json, index) => this.#responder(String(address), index),
    };
  }

  #commit(state: DurableState, meta: CommitMeta, crash: () => void): Promise<Result<void, CellError>> {
    const { fault } = this;
    this.fault = undefined;
    switch (fault) {
      case "refused":
        return Promise.resolve(err(new CellError("ACTOR_COMMIT_FAILED")));
      case "fenced":
        return Promise.resolve(fenced());
      case "silent":
        return new Promise(() => {});
      case "crash before":
        crash();
        return new Promise(() => {});
      case "crash after":
        this.#keep(state, meta);
        crash();
        return new Promise(() => {});
      default:
        this.#keep(state, meta);
        return Promise.resolve(ok(undefined));
    }
  }

  #diesNow(): boolean {
    if (this.#isDead) return true;
    if (this.effectsLeft === undefined) return false;
    if (this.effectsLeft > 0) {
      this.effectsLeft -= 1;
      return false;
    }
    this.effectsLeft = undefined;
    this.#isDead = true;
    this.#crash();
    return true;
  }

  #keep(state: DurableState, meta: CommitMeta): void {
    this.#state = JSON.stringify(state);
    this.#meta = meta;
    this.#commits += 1;
  }

  /** The caller takes each reply once, by its index. */
  #responder(address: string, first: number): (reply: OutgoingReply) => void {
    let index = first;
    return (reply) => {
      if (this.#diesNow()) return;
      const caller = this.#callers.get(address);
      const at = index++;
      if (caller === undefined || at < caller.got) return;
      caller.got = at + 1;
      caller.respond(reply);
    };
  }
}

const fenced = (): Result<void, CellError> => err(new CellError("ACTOR_FENCED"));
