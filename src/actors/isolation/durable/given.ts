// What a durable actor's side has been given, by what the node itself handed over or
// finds in the committed state: the intents, the ways back to who sent them, and their
// places. A commit may speak of nothing else.
import { isDeepStrictEqual } from "node:util";
import type { ByPriority } from "../../durable/applied-positions.ts";
import { heldKey } from "../../durable/held-event.ts";
import type { HostState, IntentMeta } from "../../durable/host-state.ts";
import type { DurableState, Journaled, OutboxEntry, StoredReply } from "../../durable/ports.ts";
import { intentOf } from "../../durable/resume.ts";
import type { IntentRef, PriorityName, ReceivedIntent } from "../../intent.ts";
import { senderOf } from "../../same-intent.ts";

/** Answered intents that a commit may still speak of; older ones are forgotten. */
const MAX_REMEMBERED = 4_096;
/** One intent may come again, signed anew, from elsewhere. */
const MAX_FACES = 16;

type Faces = { metas: IntentMeta[]; addresses: string[] };

export type Committed = {
  readonly state: DurableState;
  readonly host: HostState;
  readonly outbox: ReadonlyMap<number, OutboxEntry>;
};

export class Given {
  readonly #open = new Map<string, Faces>();
  readonly #answered = new Map<string, Faces>();
  readonly #positions: ByPriority<Set<number>> = {
    critical: new Set(),
    high: new Set(),
    normal: new Set(),
    low: new Set(),
  };
  readonly #sources = new Map<string, number>();
  #committed: Committed | undefined;
  #owed = new Map<string, string[]>();

  constructor(committed: Committed | undefined) {
    if (committed !== undefined) this.keep(committed);
  }

  get committed(): Committed | undefined {
    return this.#committed;
  }

  /** It is about to be handed over. */
  add(intent: ReceivedIntent, { position, returnAddress, sourceSequence }: Journaled): void {
    const faces = this.#open.get(intent.id) ?? this.#answered.get(intent.id) ?? { metas: [], addresses: [] };
    const meta = asHandedOver(intent);
    if (!faces.metas.some((each) => isDeepStrictEqual(each, meta)))
      faces.metas = [...faces.metas, meta].slice(-MAX_FACES);
    faces.addresses = [...faces.addresses, JSON.stringify(returnAddress)].slice(-MAX_FACES);
    this.#answered.delete(intent.id);
    this.#open.set(intent.id, faces);
    this.#positions[intent.priority].add(position);
    if (sourceSequence !== undefined) {
      const key = `${intent.source} ${intent.priority}`;
      this.#sources.set(key, Math.max(sourceSequence, this.#sources.get(key) ?? 0));
    }
  }

  /** It has its last answer. */
  answered(id: string): void {
    const faces = this.#open.get(id);
    if (faces === undefined) return;
    this.#open.delete(id);
    this.#answered.set(id, faces);
    const [oldest] = this.#answered.size > MAX_REMEMBERED ? this.#answered.keys() : [];
    if (oldest !== undefined) this.#answered.delete(oldest);
  }

  /** A commit is kept: from now on it is what the next one follows on. */
  keep(committed: Committed): void {
    this.#committed = committed;
    this.#owed = new Map();
    for (const { id: name, returnAddress } of committed.host.owed) {
      const { id } = committed.host.intents[name] ?? { id: name };
      this.#owed.set(id, [...(this.#owed.get(id) ?? []), JSON.stringify(returnAddress)]);
    }
    const { applied } = committed.state;
    for (const [priority, positions] of entriesOf(this.#positions)) {
      for (const position of positions) if (position <= applied[priority]) positions.delete(position);
    }
  }

  /** Whether exactly this intent was given. */
  knows(meta: IntentMeta): boolean {
    return this.#metas(meta.id).some((each) => isDeepStrictEqual(each, meta));
  }

  /** Whether an intent of this reference was given, with these bounds on what it may cause. */
  knowsCause(ref: IntentRef, hopLimit: number | undefined, traceparent: string | undefined): boolean {
    return this.#metas(ref.id).some((meta) => {
      const { id, rootId, causeId, hash, type, principal, source, epoch } = meta;
      const own = { id, rootId, causeId, hash, type, principal, source, epoch };
      return isDeepStrictEqual(own, ref) && meta.hopLimit === hopLimit && meta.traceparent === traceparent;
    });
  }

  /** Whether an answer to this intent may go there. */
  knowsWay({ id, returnAddress }: { id: string; returnAddress: unknown }): boolean {
    const text = JSON.stringify(returnAddress);
    const ways = [this.#open.get(id)?.addresses, this.#answered.get(id)?.addresses, this.#owed.get(id)];
    return ways.some((addresses) => addresses?.includes(text) === true);
  }

  knowsReply(reply: StoredReply): boolean {
    const { intentId, hash, sender, deadlineUnixMs, returnAddress } = reply;
    const isOf = (meta: IntentMeta) =>
      meta.hash === hash && senderOf(meta) === sender && meta.deadlineUnixMs === deadlineUnixMs;
    return this.#metas(intentId).some(isOf) && this.knowsWay({ id: intentId, returnAddress });
  }

  /** Whether a commit may say that all up to here, or this one, is decided. */
  knowsPosition(priority: PriorityName, position: number): boolean {
    if (this.#positions[priority].has(position)) return true;
    if (position === (this.#committed?.state.applied[priority] ?? 0)) return true;
    return this.#committed?.host.ahead[priority]?.includes(position) === true;
  }

  /** Highest place in a sender's outbox that was handed over or committed; 0: none. */
  lastOf(source: string): number {
    return Math.max(this.#sources.get(source) ?? 0, this.#committedOf(source));
  }

  /** Whether a commit takes back what one before it has said of a sender. */
  isBehind(source: string, sequence: number): boolean {
    return sequence < this.#committedOf(source);
  }

  #committedOf(source: string): number {
    const sources = this.#committed?.state.sources ?? {};
    return Object.hasOwn(sources, source) ? (sources[source] ?? 0) : 0;
  }

  /** The intent of this id, if it was given. */
  find(id: string): IntentMeta | undefined {
    return this.#metas(id)[0] ?? this.#redone(id);
  }

  /** Intents whose actions the committed state would run again. */
  redone(): readonly ReceivedIntent[] {
    return (this.#committed?.host.redo?.events ?? []).flatMap((event) => intentOf(event) ?? []);
  }

  /** Keys of the events that the committed state holds. */
  held(): readonly string[] {
    return (this.#committed?.host.events ?? []).map(heldKey);
  }

  #redone(id: string): IntentMeta | undefined {
    const found = this.redone().find((intent) => intent.id === id);
    if (found === undefined) return undefined;
    const { payload: _, ...meta } = found;
    return meta;
  }

  #metas(id: string): readonly IntentMeta[] {
    const table = this.#committed?.host.intents ?? {};
    const kept = Object.values(table).filter((meta) => meta.id === id);
    const metas = this.#open.get(id)?.metas ?? this.#answered.get(id)?.metas ?? [];
    return [...metas, ...kept];
  }
}

/** As that side reads it from its frame: whole milliseconds. */
function asHandedOver(intent: ReceivedIntent): IntentMeta {
  const { id, rootId, causeId, hash, type, principal, source, epoch, target, contentType } = intent;
  const { priority, hopLimit, traceparent, wantsReply } = intent;
  return {
    ...{ id, rootId, causeId, hash, type, principal, source, epoch, target, contentType },
    issuedAtUnixMs: Math.floor(intent.issuedAtUnixMs),
    deadlineUnixMs: Math.floor(intent.deadlineUnixMs),
    ...{ priority, hopLimit, traceparent, wantsReply },
  };
}

const entriesOf = (positions: ByPriority<Set<number>>) =>
  [
    ["critical", positions.critical],
    ["high", positions.high],
    ["normal", positions.normal],
    ["low", positions.low],
  ] as const;
