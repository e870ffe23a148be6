// Answers that a process may have taken with it when it died: those of the commits that are
// kept. The next incarnation has them for who asks again, and for a while each of its
// commits holds them still, since it may die as well before anybody asks. Of an incarnation
// that ends while its process goes on, the next one has the same.
import type { StoredReply } from "../../actors/durable/ports.ts";
import { KEPT_COMMITS } from "../../transport/durable/state-stream.ts";

/** A client that is still there has asked again by then. */
const CARRY_MS = 30_000;
const MAX_CARRIED = 256;
/** Characters of JSON. */
const MAX_CARRIED_CHARS = 64 * 1024;

export class CarriedReplies {
  #replies: readonly StoredReply[] = [];
  #untilMs = 0;
  /** Of this process's own last commits, oldest first. */
  #lately: readonly (readonly StoredReply[])[] = [];

  /** @param commits their replies, oldest first */
  take(commits: readonly { readonly replies: readonly StoredReply[] }[], nowUnixMs: number): void {
    this.#lately = [];
    const byPlace = new Map<string, StoredReply>();
    for (const { replies } of commits) {
      for (const reply of replies) byPlace.set(`${reply.sender} ${reply.intentId} ${reply.index}`, reply);
    }
    const wanted = [...byPlace.values()].filter(({ deadlineUnixMs }) => deadlineUnixMs > nowUnixMs);
    let left = MAX_CARRIED_CHARS;
    this.#replies = wanted
      .reverse()
      .slice(0, MAX_CARRIED)
      .filter((reply) => {
        left -= JSON.stringify(reply).length;
        return left >= 0;
      })
      .reverse();
    this.#untilMs = performance.now() + CARRY_MS;
  }

  /** A commit with these replies is kept, beside what is carried. */
  note(replies: readonly StoredReply[]): void {
    this.#lately = [...this.#lately, replies].slice(-KEPT_COMMITS);
  }

  /** What an incarnation that ended leaves: of its newest commit, which may not have left, and of those before. */
  left(): { readonly newest: readonly StoredReply[]; readonly before: readonly StoredReply[] } {
    const newest = this.#lately.at(-1) ?? [];
    return { newest, before: this.before(this.#lately.slice(0, -1).flat()) };
  }

  forget(): void {
    this.#lately = [];
  }

  /** What a commit with these replies is to hold. */
  before(replies: readonly StoredReply[]): readonly StoredReply[] {
    if (this.#replies.length === 0) return replies;
    if (performance.now() > this.#untilMs) {
      this.#replies = [];
      return replies;
    }
    return [...this.#replies, ...replies];
  }
}
