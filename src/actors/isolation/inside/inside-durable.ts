// The durable ports of a host behind the channel: commits, relays and answers become
// frames, and the node's words come back to who waits for them.
import { CellError } from "../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../errors/result.ts";
import type { ToActor } from "../../../gen/cell0/v1/channel_pb.ts";
import type { Json } from "../../../manifest/graph.ts";
import type { CommitMeta, DurablePorts, DurableState } from "../../durable/ports.ts";
import type { Delivery, OutgoingReply } from "../../intent.ts";
import type { SuccessionPort } from "../../succession.ts";
import { jsonBytes, tooDeep } from "../bounded-json.ts";
import { fromOutcome, toOutcome } from "../messages.ts";
import type { Outbox } from "./outbox.ts";

type Relay = Parameters<DurablePorts["relay"]>;
type Relayed = Extract<ToActor["kind"], { case: "relayed" }>["value"];
type Waiting = { readonly done: Relay[1]; readonly onReply: Relay[2] };

export class InsideDurable implements DurablePorts {
  readonly #outbox: Outbox;
  readonly #relays = new Map<bigint, Waiting>();
  /** What the node has decided in this actor's place. */
  readonly #refusals = new WeakMap<Delivery, CellError>();
  readonly #redone: ReadonlyMap<string, CellError>;
  #committed: ((result: Result<void, CellError>) => void) | undefined;
  #lastWay = 0;
  #flushing = false;

  /** Poison is counted at the node. */
  readonly succession: SuccessionPort = {
    died: () => ({ kind: "again" }),
    counted: () => "again",
    isPoison: ({ id }) => this.#redone.has(id),
    refuses: (delivery) => this.#refusals.get(delivery) ?? this.#redone.get(delivery.intent.id),
    leave: () => {},
  };

  /** @param redone the same, of what the state would run again or holds, by id or key */
  constructor(outbox: Outbox, redone: ReadonlyMap<string, CellError>) {
    this.#outbox = outbox;
    this.#redone = redone;
  }

  commit(state: DurableState, { pending, wakeAtUnixMs = 0 }: CommitMeta): Promise<Result<void, CellError>> {
    const bytes = jsonBytes(state);
    if (tooDeep(bytes)) {
      const what = "the state is nested too deeply";
      return Promise.resolve(err(new CellError("ACTOR_SNAPSHOT_UNSUPPORTED", what)));
    }
    const { promise, resolve } = Promise.withResolvers<Result<void, CellError>>();
    this.#committed = resolve;
    const value = { state: bytes, pending, wakeAtUnixMs: BigInt(Math.max(0, Math.ceil(wakeAtUnixMs))) };
    this.#push({ case: "commit", value });
    return promise;
  }

  committed(): void {
    this.#committed?.(ok(undefined));
  }

  relay(...[{ sequence: number }, done, onReply]: Relay): void {
    const sequence = BigInt(number);
    this.#relays.set(sequence, { done, onReply });
    this.#push({ case: "relay", value: { sequence, wantsReply: onReply !== undefined } });
  }

  taken(sequence: bigint): void {
    const relay = this.#relays.get(sequence);
    if (relay?.onReply === undefined) this.#relays.delete(sequence);
    relay?.done();
  }

  relayed({ sequence, outcome, place }: Relayed): void {
    const onReply = this.#relays.get(sequence)?.onReply;
    const read = fromOutcome(outcome);
    if (!read.ok || read.value.final) this.#relays.delete(sequence);
    onReply?.(read.ok && place > 0 ? ok({ ...read.value, index: place - 1 }) : read);
  }

  responder(returnAddress: Json, index: number): (reply: OutgoingReply) => void {
    let way = 0;
    return (reply) => {
      if (way === 0) way = ++this.#lastWay;
      const value = { way, returnAddress: jsonBytes(returnAddress), index, outcome: toOutcome(reply) };
      this.#push({ case: "returned", value });
    };
  }

  refuse(delivery: Delivery, error: CellError): void {
    this.#refusals.set(delivery, error);
  }

  #push(kind: Parameters<Outbox["push"]>[0]): void {
    this.#outbox.push(kind);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#outbox.flush();
    });
  }
}
