// What a durable actor sends: entries that leave with a commit, are relayed after it,
// and stay until their target has taken them, or until the request that they began
// has ended.
import { InFlightMap } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { capabilityField } from "../../security/capability/capability-text.ts";
import { intentRef } from "../actor-failure.ts";
import type { OutgoingIntent } from "../intent.ts";
import { copyAsJson } from "../plain-json.ts";
import type { DurablePorts, OutboxEntry, RelayedReply } from "./ports.ts";

/** Beyond it a send fails the actor. */
export const MAX_OUTBOX = 2048;
/** From here on no further intent is begun until targets have taken some. */
export const BUSY_OUTBOX = 512;

type Kept = { readonly entry: OutboxEntry; readonly onReply: ((reply: RelayedReply) => void) | undefined };

export class Outbox {
  readonly #relay: DurablePorts["relay"];
  /** Called when an entry is no longer needed; it goes with the next commit. */
  readonly #dropped: () => void;
  readonly #kept = new InFlightMap<number, Kept>();
  #sequence: number;

  constructor(relay: DurablePorts["relay"], sequence: number, dropped: () => void) {
    this.#relay = relay;
    this.#sequence = sequence;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#kept.size;
  }

  get sequence(): number {
    return this.#sequence;
  }

  entries(): readonly OutboxEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry);
  }

  /**
   * Puts an intent in; nothing leaves yet.
   * @throws CellError ACTOR_OUTBOX_FULL, CAPABILITY_MALFORMED, NotJsonError
   */
  put(outgoing: OutgoingIntent, nowUnixMs: number): OutboxEntry {
    if (this.#kept.size >= MAX_OUTBOX) throw new CellError("ACTOR_OUTBOX_FULL");
    const { target, intent, payload, capability, cause, priority, timeoutMs, onReply } = outgoing;
    const held = capabilityField(capability);
    if (!held.ok) throw held.error;
    const plain = asJson(payload);
    const entry = {
      sequence: ++this.#sequence,
      target,
      intent,
      payload: plain,
      ...(capability === undefined ? {} : { capability }),
      priority,
      deadlineUnixMs: Math.ceil(nowUnixMs + timeoutMs),
      cause: cause === undefined ? undefined : intentRef(cause),
      ...(cause === undefined ? {} : { hopLimit: cause.hopLimit, traceparent: cause.traceparent }),
      wantsReply: onReply !== undefined,
    };
    this.#kept.set(entry.sequence, { entry, onReply });
    return entry;
  }

  /** Of an earlier incarnation. `onReply`: its request still waits. */
  restore(entry: OutboxEntry, onReply: ((reply: RelayedReply) => void) | undefined): void {
    this.#kept.set(entry.sequence, { entry, onReply });
  }

  /** Brings a committed entry on its way. */
  relay({ sequence }: OutboxEntry): void {
    const kept = this.#kept.get(sequence);
    if (kept === undefined) return;
    const { entry, onReply } = kept;
    const done = () => {
      if (onReply === undefined) this.drop(sequence);
    };
    if (onReply === undefined) this.#relay(entry, done);
    else this.#relay(entry, done, onReply);
  }

  drop(sequence: number): void {
    if (this.#kept.delete(sequence)) this.#dropped();
  }
}

/** What JSON.parse gives back; the copy has just been checked to be that. */
const asJson = (value: unknown): Json => copyAsJson(value) as Json;
