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

export type ReplayOptions = {
  /** Ids held of all issuers. Default 524,288, some 200 bytes each. */
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

type Entry = {
  readonly isKeptElsewhere: boolean;
  readonly issuer: string;
  readonly id: string;
  /** When it is forgotten, in steps. */
  readonly step: number;
  readonly hash: string;
  /** `lost`: accepted by an earlier process, which died before it answered. */
  state: StoredReplies["state"] | "lost";
  replyBytes: number;
  /** Replies sent, kept or not. */
  replied: number;
  repeats: number;
  /** Made with the first one, to its size: there are hundreds of thousands of entries. */
  replies: Uint8Array[] | undefined;
};
type Share = { readonly entries: Map<string, Entry>; replyBytes: number };

/** Width of the steps in which entries are forgotten. */
const STEP_MS = 1_000;

export class ReplayWindow {
  readonly #maxEntries: number;
  readonly #maxReplyBytes: number;
  readonly #maxReplyBytesEach: number;
  readonly #maxRepeats: number;
  readonly #journal: ReplayJournal | undefined;
  readonly #shares = new Map<string, Share>();
  readonly #steps = new Map<number, Set<Entry>>();
  #entries = 0;
  #replyBytes = 0;
  #sweptStep = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayOptions = {}) {
    this.#maxEntries = options.maxEntries ?? 524_288;
    this.#maxReplyBytes = options.maxReplyBytes ?? 64 * 1024 * 1024;
    this.#maxReplyBytesEach = options.maxReplyBytesEach ?? 4 * 1024 * 1024;
    this.#maxRepeats = options.maxRepeats ?? 16;
    this.#journal = options.journal;
  }

  /** Takes over what an earlier process had accepted; to be called before anything is judged. */
  restore(capsules: readonly RememberedCapsule[]): void {
    for (const { issuer, id, hash, untilUnixMs, state, replies } of capsules) {
      const name = mapKey(issuer);
      const step = Math.floor(untilUnixMs / STEP_MS);
      const entry: Entry = {
        ...{ issuer: name, id: mapKey(id), step, hash: mapKey(hash), state, isKeptElsewhere: false },
        ...{ replyBytes: 0, replied: replies.length, repeats: 0, replies: undefined },
      };
      const share = this.#insert(entry, this.#shares.get(name));
      for (const reply of replies) this.#keepReply(share, entry, reply);
    }
  }

  /** Returns once what was remembered would outlive this process. */
  flush(): void {
    this.#journal?.flush();
  }

  get size(): number {
    return this.#entries;
  }

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
    const name = mapKey(issuer);
    const share = this.#shares.get(name);
    const known = share?.entries.get(mapKey(id));
    if (known !== undefined) return this.#judgeKnown(known, hash);
    if (
      this.#entries >= this.#maxEntries ||
      this.#exceedsShare(share, this.#entries, this.#maxEntries, (each) => each.entries.size)
    ) {
      const options = { retryAfterMs: 1_000 };
      return { kind: "refused", error: new CellError("CAPSULE_REPLAY_WINDOW_FULL", undefined, options) };
    }
    const step = Math.max(Math.floor(keepUntilUnixMs / STEP_MS), this.#sweptStep + 1);
    const entry: Entry = {
      issuer: name,
      id: mapKey(id),
      step,
      hash: mapKey(hash),
      state: "pending",
      replyBytes: 0,
      replied: 0,
      repeats: 0,
      replies: undefined,
      isKeptElsewhere,
    };
    this.#insert(entry, share);
    const silent = !wantsReply;
    if (!isKeptElsewhere) {
      this.#journal?.record({ kind: "accepted", issuer, id, hash, untilUnixMs: keepUntilUnixMs, silent });
    }
    return { kind: "new" };
  }

  /** Keeps one reply, the bytes of its capsule. Ids that are no longer held are ignored. */
  storeReply(issuer: Uint8Array, id: Uint8Array, reply: Uint8Array, final: boolean): void {
    const share = this.#shares.get(mapKey(issuer));
    const entry = share?.entries.get(mapKey(id));
    if (share === undefined || entry === undefined || entry.state === "answered") return;
    const index = entry.replied;
    entry.replied += 1;
    if (!entry.isKeptElsewhere) {
      this.#journal?.record({ kind: "replied", issuer, id, index, reply });
      if (final) this.#journal?.record({ kind: "answered", issuer, id, replies: entry.replied });
    }
    if (entry.state === "pending" && this.#keepReply(share, entry, reply) && final) entry.state = "answered";
  }

  /** False when there is no room: then none of its replies is kept. */
  #keepReply(share: Share, entry: Entry, reply: Uint8Array): boolean {
    const after = reply.length + this.#replyBytes;
    const fits =
      entry.replyBytes + reply.length <= this.#maxReplyBytesEach &&
      after <= this.#maxReplyBytes &&
      !this.#exceedsShare(share, after, this.#maxReplyBytes, (each) => each.replyBytes + reply.length);
    if (!fits) {
      this.#dropReplies(share, entry);
      entry.state = "dropped";
      return false;
    }
    if (entry.replies === undefined) entry.replies = [reply];
    else entry.replies.push(reply);
    entry.replyBytes += reply.length;
    share.replyBytes += reply.length;
    this.#replyBytes += reply.length;
    return true;
  }

  /**
   * Forgets a capsule that was accepted but never begun, e.g. because the mailbox was full: the
   * same capsule may come again. Returns how many copies of it had come; at least 1.
   */
  release(issuer: Uint8Array, id: Uint8Array): number {
    const entry = this.#shares.get(mapKey(issuer))?.entries.get(mapKey(id));
    if (entry === undefined) return 1;
    this.#remove(entry);
    return 1 + entry.repeats;
  }

  #judgeKnown(known: Entry, hash: Uint8Array): ReplayVerdict {
    if (known.hash !== mapKey(hash)) return { kind: "refused", error: new CellError("CAPSULE_ID_REUSED") };
    if (known.state === "lost") {
      known.state = "pending";
      return { kind: "new" };
    }
    known.repeats += 1;
    if (known.repeats > this.#maxRepeats) {
      return { kind: "refused", error: new CellError("CAPSULE_REPEATED_TOO_OFTEN") };
    }
    return { kind: "duplicate", state: known.state, replies: [...(known.replies ?? [])] };
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

  #insert(entry: Entry, share: Share | undefined): Share {
    const home = share ?? { entries: new Map<string, Entry>(), replyBytes: 0 };
    if (share === undefined) this.#shares.set(entry.issuer, home);
    home.entries.set(entry.id, entry);
    this.#entries += 1;
    const together = this.#steps.get(entry.step);
    if (together === undefined) this.#steps.set(entry.step, new Set([entry]));
    else together.add(entry);
    return home;
  }

  /** Forgets the steps that have ended wholly. */
  #sweep(nowUnixMs: number): void {
    const ended = Math.floor(nowUnixMs / STEP_MS) - 1;
    if (ended <= this.#sweptStep) return;
    this.#sweptStep = ended;
    for (const [step, entries] of this.#steps) {
      if (step > ended) continue;
      this.#steps.delete(step);
      for (const entry of entries) this.#remove(entry);
    }
  }

  #remove(entry: Entry): void {
    const share = this.#shares.get(entry.issuer);
    if (share === undefined) return;
    this.#steps.get(entry.step)?.delete(entry);
    this.#dropReplies(share, entry);
    share.entries.delete(entry.id);
    this.#entries -= 1;
    if (share.entries.size === 0) this.#shares.delete(entry.issuer);
  }

  #dropReplies(share: Share, entry: Entry): void {
    entry.replies = undefined;
    share.replyBytes -= entry.replyBytes;
    this.#replyBytes -= entry.replyBytes;
    entry.replyBytes = 0;
  }
}
