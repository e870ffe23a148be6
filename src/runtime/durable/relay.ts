// Brings what durable actors have committed to send to its targets. To one target, the
// intents of one priority go one after the other: the next leaves when the one before has
// been taken, or its deadline has passed. What is not taken is sent again, the same
// capsule under the same id, so that it is never taken twice.
import type { DurablePorts, OutboxEntry } from "../../actors/durable/ports.ts";
import { InFlightSet } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { toHex } from "../../security/bytes.ts";
import { capabilityField } from "../../security/capability/capability-text.ts";
import { type BuiltIntent, buildIntent } from "../../security/intents/build-intent.ts";
import { outboxId } from "../../security/intents/outbox-id.ts";
import { MAX_HOPS } from "../../security/wire/capsule.ts";
import type { Answer } from "../local-delivery.ts";
import type { Sends } from "../sends.ts";

export type RelayPorts = {
  readonly post: Sends["post"];
  /** Below this node's own inbox prefix. */
  readonly inbox: string;
  /** Aliases of tools stand for actors of this node. */
  readonly targetOf: (target: string) => string;
  readonly isHere: (target: string) => boolean;
  /** What a refusal is told as. */
  readonly explain: (from: string, entry: OutboxEntry, error: CellError) => CellError;
  readonly isDurable: (target: string) => boolean;
  readonly sent: (from: string, id: string, entry: OutboxEntry) => void;
  /** An intent that nobody waits for, or that rests on a token, was not taken. */
  readonly failed: (from: string, entry: OutboxEntry, error: CellError) => void;
};

type OnReply = NonNullable<Parameters<DurablePorts["relay"]>[2]>;
type Item = {
  readonly from: string;
  readonly entry: OutboxEntry;
  /** Of the sender's present incarnation. */
  done: () => void;
  onReply: OnReply | undefined;
};

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
/** How long one capsule is sent again as it is; it stays fresh for longer. */
const SLOT_MS = 20_000;
/** Intents taken by volatile actors of this process, which are not to have them again. */
const MAX_TAKEN = 65_536;

export class Relay {
  readonly #ports: RelayPorts;
  readonly #lanes = new Map<string, Item[]>();
  readonly #timers = new InFlightSet<NodeJS.Timeout>();
  readonly #taken = new Map<string, number>();
  #stopped = false;

  constructor(ports: RelayPorts) {
    this.#ports = ports;
  }

  /** Keeps the order of these calls, for each target and priority. */
  relay(from: string, given: OutboxEntry, done: () => void, onReply: OnReply | undefined): void {
    const entry = { ...given, target: this.#ports.targetOf(given.target) };
    const name = `${from} ${entry.target} ${entry.priority}`;
    const item = { from, entry, done, onReply };
    const lane = this.#lanes.get(name);
    if (lane === undefined) {
      this.#lanes.set(name, [item]);
      this.#attempt(name, item, 0);
      return;
    }
    // A later incarnation of the sender asks for what is under way: its callbacks count.
    const known = lane.find((each) => each.entry.sequence === entry.sequence);
    if (known === undefined) lane.push(item);
    else Object.assign(known, { done, onReply });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#lanes.clear();
  }

  /** The first of its lane. */
  #attempt(name: string, item: Item, failures: number): void {
    if (this.#stopped) return;
    const { entry } = item;
    const leftMs = entry.deadlineUnixMs - Date.now();
    if (leftMs <= 0) {
      this.#settle(name, item, late(entry.target));
      return;
    }
    const built = build(this.#ports, item);
    if (!built.ok) {
      this.#settle(name, item, built);
      return;
    }
    const id = toHex(built.value.id);
    if (failures === 0) this.#ports.sent(item.from, id, entry);
    // A volatile actor of this process that has it already.
    if (item.onReply === undefined && this.#taken.has(id)) this.#settle(name, item, ok(undefined));
    else this.#post(name, item, failures, built.value);
  }

  #post(name: string, item: Item, failures: number, built: BuiltIntent): void {
    const { entry } = item;
    const isHere = this.#ports.isHere(entry.target);
    let settled = false;
    const settle = (outcome: Result<unknown, CellError>): void => {
      if (settled) return;
      settled = true;
      if (!outcome.ok && mayComeAgain(outcome.error)) this.#again(name, item, failures, outcome.error);
      else this.#settle(name, item, outcome);
    };
    const taken = (outcome: Result<unknown, CellError>): void => {
      // Another node has it, and its answer is still to come.
      if (outcome.ok && !isHere && item.onReply !== undefined) return;
      if (outcome.ok && !this.#ports.isDurable(entry.target)) this.#remember(toHex(built.id), entry);
      settle(outcome);
    };
    // From another node its first word says that the target has it; here that is said at once.
    const onReply = (answer: Answer): void => {
      const turnedAway = !isHere && !settled && !answer.ok && mayComeAgain(answer.error);
      if (!isHere) settle(turnedAway ? answer : ok(undefined));
      if (!turnedAway) item.onReply?.(answer);
    };
    const timeoutMs = Math.max(1, entry.deadlineUnixMs - Date.now());
    this.#ports.post(built, { target: entry.target, timeoutMs, onReply }, taken);
    if (isHere) return;
    this.#later(backoffMs(failures + 2), () => {
      if (settled) return;
      settled = true;
      this.#attempt(name, item, failures + 1);
    });
  }

  #again(name: string, item: Item, failures: number, { retryAfterMs = 0 }: CellError): void {
    const leftMs = Math.max(0, item.entry.deadlineUnixMs - Date.now());
    const waitMs = Math.max(retryAfterMs, backoffMs(failures) * (0.5 + Math.random() / 2));
    this.#later(Math.min(leftMs, waitMs), () => this.#attempt(name, item, failures + 1));
  }

  /** It is not sent again; the next one of the lane is. */
  #settle(name: string, item: Item, outcome: Result<unknown, CellError>): void {
    if (!outcome.ok) {
      const { from, entry, onReply } = item;
      const error = this.#ports.explain(from, entry, outcome.error);
      // What became of a token is on record, whoever hears of it; another node has done that.
      const isTold = entry.capability !== undefined && this.#ports.isHere(entry.target);
      if (onReply === undefined || isTold) this.#ports.failed(from, entry, error);
      onReply?.(err(error));
    }
    item.done();
    const lane = this.#lanes.get(name);
    lane?.shift();
    const [next] = lane ?? [];
    if (next === undefined) this.#lanes.delete(name);
    else this.#attempt(name, next, 0);
  }

  #remember(id: string, { deadlineUnixMs }: OutboxEntry): void {
    this.#taken.set(id, deadlineUnixMs);
    for (const [old, untilUnixMs] of this.#taken) {
      if (this.#taken.size <= MAX_TAKEN && untilUnixMs > Date.now()) break;
      this.#taken.delete(old);
    }
  }

  #later(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs).unref();
    this.#timers.add(timer);
  }
}

const backoffMs = (failures: number): number =>
  Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));

const late = (where: string) => err(new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { where }));

/** The same bytes for the same entry as long as they stay fresh, whichever incarnation asks. */
function build(
  { inbox, isHere }: RelayPorts,
  { from, entry, onReply }: Item,
): Result<BuiltIntent, CellError> {
  const { target, intent, payload, priority, deadlineUnixMs, cause, sequence } = entry;
  const held = capabilityField(entry.capability);
  if (!held.ok) return held;
  const slots = Math.ceil((deadlineUnixMs - Date.now()) / SLOT_MS);
  const issuedAt = { unixMs: Math.trunc(deadlineUnixMs) - slots * SLOT_MS, counter: 0 };
  const draft = {
    target,
    intent,
    payload: new TextEncoder().encode(JSON.stringify(payload)),
    contentType: "application/json",
    ...held.value,
    deadlineUnixMs,
    // Another node's answer is its only word that the target has it.
    replyInbox: onReply === undefined && isHere(target) ? "" : inbox,
    priority,
    traceparent: entry.traceparent ?? "",
    cause: cause === undefined ? undefined : { ...cause, hopLimit: entry.hopLimit ?? MAX_HOPS },
    source: { actor: from, incarnation: undefined, sequence },
  };
  return buildIntent(draft, {
    nextId: () => outboxId(from, sequence, deadlineUnixMs),
    tick: () => issuedAt,
  });
}

/** A node that has not heard yet of the certificate of this one's next key will. */
const UNHEARD_OF: readonly string[] = ["AUTHORITY_CHAIN_BROKEN", "AUTHORITY_ISSUER_UNKNOWN"];

const mayComeAgain = ({ code, retryable }: CellError): boolean => retryable || UNHEARD_OF.includes(code);
