// Answers that a process may have taken with it when it died: those of the commits that are
// kept. The next incarnation has them for who asks again, and for a while each of its
// commits holds them still, since it may die as well before anybody asks.
import type { StoredReply } from "../../actors/durable/ports.ts";

/** A client that is still there has asked again by then. */
const CARRY_MS = 30_000;
const MAX_CARRIED = 256;
/** Characters of JSON. */
const MAX_CARRIED_CHARS = 64 * 1024;

export class CarriedReplies {
  #replies: readonly StoredReply[] = [];
  #untilMs = 0;

  /** @param commits their replies, oldest first */
  take(commits: readonly { readonly replies: readonly StoredReply[] }[], nowUnixMs: number): void {
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
