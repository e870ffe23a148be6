// Remembers which capsules were accepted, by issuer and id, until freshness alone
// refuses them, and keeps their replies for who sends the same capsule again. With a
// journal this outlives the process: what it had accepted and not answered may be
// begun again, what it had answered is not.
//
// At its bounds it never forgets an id that could still be replayed: once half is
// used, new ids of an issuer that exceeds its share are refused with a retryable
// code, and replies beyond theirs are not kept, which a repeated capsule is told.
import { CellError } from "../../errors/cell-error.ts";
import { mapKey } from "../bytes.ts";
import type { RememberedCapsule, ReplayJournal } from "./replay-memory.ts";
import { type EntryNumber, hashOf, type NewEntry, ReplaySlice } from "./replay-slice.ts";

export type ReplayOptions = {
  /** Ids held of all issuers. Default 1,048,576, some 80 bytes each. */
  readonly maxEntries?: number;
  /** Bytes of replies held for all issuers. Default 64 MiB. */
  readonly maxReplyBytes?: number;
  /** Bytes of replies held for one capsule. Default 4 MiB. */
  readonly maxReplyBytesEach?: number;
  /** How often a capsule that was seen is answered again; what is resent would otherwise grow without bound. Default 16. */
  readonly maxRepeats?: number;
  /** Absent: nothing outlives this process. */
  readonly journal?: ReplayJournal;
};

/** What is known of a capsule that was seen before. */
export type StoredReplies = {
  /** `pending`: not answered to the end yet; `dropped`: replies were not kept, for lack of room. */
  readonly state: "pending" | "answered" | "dropped";
  /** Capsule bytes, in the order that they were sent. */
  readonly replies: readonly Uint8Array[];
};

export type ReplayVerdict =
  | { readonly kind: "new" }
  | ({ readonly kind: "duplicate" } & StoredReplies)
  | { readonly kind: "refused"; readonly error: CellError };

/** How a capsule is remembered. */
export type Remembering = {
  /** Without, it is never begun again, for nobody would send it again. Default: true. */
  readonly wantsReply?: boolean;
  /**
   * What it is for keeps its id and its answer itself, over deaths of this process: they need
   * not be written down here too. Default: false.
   */
  readonly isKeptElsewhere?: boolean;
};

/** What one issuer has of the window. */
type Share = {
  readonly name: string;
  /** Stands for it in the slices; another's when it has nothing left in them. */
  readonly number: number;
  entries: number;
  replyBytes: number;
};
/** What is forgotten together, when `step` has ended. */
type Slice = { readonly step: number; readonly capsules: ReplaySlice };
type Found = { readonly capsules: ReplaySlice; readonly entry: EntryNumber; readonly share: Share };

/** Width of the steps in which entries are forgotten; an id is looked for in each of those that are held. */
const STEP_MS = 4_000;

export class ReplayWindow {
  readonly #maxEntries: number;
  readonly #maxReplyBytes: number;
  readonly #maxReplyBytesEach: number;
  readonly #maxRepeats: number;
  readonly #journal: ReplayJournal | undefined;
  readonly #shares = new Map<string, Share>();
  /** By number; empty places are free. */
  readonly #numbered: (Share | undefined)[] = [];
  /** The newest last. */
  #slices: Slice[] = [];
  #entries = 0;
  #replyBytes = 0;
  #sweptStep = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayOptions = {}) {
    this.#maxEntries = options.maxEntries ?? 1_048_576;
    this.#maxReplyBytes = options.maxReplyBytes ?? 64 * 1024 * 1024;
    this.#maxReplyBytesEach = options.maxReplyBytesEach ?? 4 * 1024 * 1024;
    this.#maxRepeats = options.maxRepeats ?? 16;
    this.#journal = options.journal;
  }

  /** Takes over what an earlier process had accepted; to be called before anything is judged. */
  restore(remembered: readonly RememberedCapsule[]): void {
    for (const { issuer, id, hash, untilUnixMs, state, replies } of remembered) {
      const step = Math.floor(untilUnixMs / STEP_MS);
      const known = this.#find(issuer, id);
      if (known !== undefined) this.#forget(known);
      const found = this.#insert(issuer, step, { id, hash, state, isKeptElsewhere: false });
      for (const reply of replies) {
        found.capsules.countReply(found.entry);
        this.#keepReply(found, reply);
      }
    }
  }

  /** Returns once what was remembered would outlive this process. */
  flush(): void {
    this.#journal?.flush();
  }

  get size(): number {
    return this.#entries;
  }

  /** Of replies, also of those that were dropped: they take room until their capsules are forgotten. */
  get replyBytes(): number {
    return this.#replyBytes;
  }

  /**
   * Judges a capsule that is authorised, and remembers it when it is new.
   * @param keepUntilUnixMs when freshness begins to refuse it without this window's help
   * @param nowUnixMs the time that freshness was judged at; it must never step back, as intake sees to
   */
  remember(
    issuer: Uint8Array,
    id: Uint8Array,
    hash: Uint8Array,
    keepUntilUnixMs: number,
    nowUnixMs: number,
    { wantsReply = true, isKeptElsewhere = false }: Remembering = {},
  ): ReplayVerdict {
    this.#sweep(nowUnixMs);
    const share = this.#shares.get(mapKey(issuer));
    const known = share === undefined ? undefined : this.#findOf(share, id);
    if (known !== undefined) return this.#judgeKnown(known, hash);
    if (
      this.#entries >= this.#maxEntries ||
      this.#exceedsShare(share, this.#entries, this.#maxEntries, (each) => each.entries)
    ) {
      const options = { retryAfterMs: 1_000 };
      return { kind: "refused", error: new CellError("CAPSULE_REPLAY_WINDOW_FULL", undefined, options) };
    }
    const step = Math.max(Math.floor(keepUntilUnixMs / STEP_MS), this.#sweptStep + 1);
    this.#insert(issuer, step, { id, hash, state: "pending", isKeptElsewhere });
    const silent = !wantsReply;
    if (!isKeptElsewhere) {
      this.#journal?.record({ kind: "accepted", issuer, id, hash, untilUnixMs: keepUntilUnixMs, silent });
    }
    return { kind: "new" };
  }

  /** Whether a capsule of this id is remembered. */
  holds(issuer: Uint8Array, id: Uint8Array): boolean {
    return this.#find(issuer, id) !== undefined;
  }

  /** Keeps one reply, the bytes of its capsule. Ids that are no longer held are ignored. */
  storeReply(issuer: Uint8Array, id: Uint8Array, reply: Uint8Array, final: boolean): void {
    const found = this.#find(issuer, id);
    if (found === undefined) return;
    const { capsules, entry } = found;
    const state = capsules.state(entry);
    if (state === "answered") return;
    const index = capsules.countReply(entry);
    if (!capsules.isKeptElsewhere(entry)) {
      this.#journal?.record({ kind: "replied", issuer, id, index, reply });
      if (final) this.#journal?.record({ kind: "answered", issuer, id, replies: index + 1 });
    }
    if (state === "pending" && this.#keepReply(found, reply) && final) capsules.setState(entry, "answered");
  }

  /** False when there is no room: then none of its replies is kept. */
  #keepReply(found: Found, reply: Uint8Array): boolean {
    const { capsules, entry, share } = found;
    const after = reply.length + this.#replyBytes;
    const fits =
      capsules.replyBytes(entry) + reply.length <= this.#maxReplyBytesEach &&
      after <= this.#maxReplyBytes &&
      !this.#exceedsShare(share, after, this.#maxReplyBytes, (each) => each.replyBytes + reply.length);
    if (!fits) {
      capsules.dropReplies(entry);
      capsules.setState(entry, "dropped");
      return false;
    }
    capsules.keepReply(entry, reply);
    share.replyBytes += reply.length;
    this.#replyBytes += reply.length;
    return true;
  }

  /**
   * Forgets a capsule that was accepted but never begun, e.g. because the mailbox was full: the
   * same capsule may come again. Returns how many copies of it had come; at least 1.
   */
  release(issuer: Uint8Array, id: Uint8Array): number {
    const found = this.#find(issuer, id);
    if (found === undefined) return 1;
    const copies = 1 + found.capsules.repeats(found.entry);
    this.#forget(found);
    return copies;
  }

  #judgeKnown({ capsules, entry }: Found, hash: Uint8Array): ReplayVerdict {
    if (!capsules.isOf(entry, hash)) return { kind: "refused", error: new CellError("CAPSULE_ID_REUSED") };
    const state = capsules.state(entry);
    if (state === "lost") {
      capsules.setState(entry, "pending");
      return { kind: "new" };
    }
    if (capsules.repeat(entry) > this.#maxRepeats) {
      return { kind: "refused", error: new CellError("CAPSULE_REPEATED_TOO_OFTEN") };
    }
    return { kind: "duplicate", state, replies: capsules.repliesTo(entry) };
  }

  /**
   * While less than half is used nobody is limited. From then on, of n active
   * issuers, each may hold one part in n + 1, so that there is room for one that comes new.
   */
  #exceedsShare(
    share: Share | undefined,
    used: number,
    bound: number,
    held: (share: Share) => number,
  ): boolean {
    if (2 * used < bound || share === undefined) return false;
    return held(share) >= bound / (this.#shares.size + 1);
  }

  #find(issuer: Uint8Array, id: Uint8Array): Found | undefined {
    const share = this.#shares.get(mapKey(issuer));
    return share === undefined ? undefined : this.#findOf(share, id);
  }

  #findOf(share: Share, id: Uint8Array): Found | undefined {
    const hashed = hashOf(share.number, id);
    for (let at = this.#slices.length - 1; at >= 0; at -= 1) {
      const capsules = this.#slices[at]?.capsules;
      const entry = capsules?.find(share.number, id, hashed);
      if (capsules !== undefined && entry !== undefined) return { capsules, entry, share };
    }
    return undefined;
  }

  #insert(issuer: Uint8Array, step: number, entry: Omit<NewEntry, "issuer">): Found {
    const share = this.#shareOf(mapKey(issuer));
    let slice = this.#slices.find((each) => each.step === step);
    if (slice === undefined) {
      slice = { step, capsules: new ReplaySlice() };
      this.#slices.push(slice);
    }
    const { capsules } = slice;
    const added = capsules.add({ ...entry, issuer: share.number });
    share.entries += 1;
    this.#entries += 1;
    return { capsules, entry: added, share };
  }

  #shareOf(name: string): Share {
    const known = this.#shares.get(name);
    if (known !== undefined) return known;
    const free = this.#numbered.indexOf(undefined);
    const share = { name, number: free < 0 ? this.#numbered.length : free, entries: 0, replyBytes: 0 };
    this.#shares.set(name, share);
    this.#numbered[share.number] = share;
    return share;
  }

  /** Forgets the steps that have ended wholly. */
  #sweep(nowUnixMs: number): void {
    const ended = Math.floor(nowUnixMs / STEP_MS) - 1;
    if (ended <= this.#sweptStep) return;
    this.#sweptStep = ended;
    for (const { step, capsules } of this.#slices) {
      if (step <= ended) capsules.visit((number, replyBytes) => this.#leave(number, replyBytes));
    }
    this.#slices = this.#slices.filter(({ step }) => step > ended);
  }

  /** It had no reply yet, or is restored in another one's place. */
  #forget({ capsules, entry, share }: Found): void {
    this.#leave(share.number, capsules.replyBytes(entry));
    capsules.release(entry);
  }

  /** An entry of this issuer is no longer held. */
  #leave(number: number, replyBytes: number): void {
    const share = this.#numbered[number];
    if (share === undefined) return;
    share.entries -= 1;
    share.replyBytes -= replyBytes;
    this.#entries -= 1;
    this.#replyBytes -= replyBytes;
    if (share.entries > 0) return;
    this.#shares.delete(share.name);
    this.#numbered[number] = undefined;
  }
}
