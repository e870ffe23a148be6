// Answers that a process may have taken with it when it died: those of the commits that are
// kept. The next incarnation has them for who asks again, and for a while each of its
// commits holds them still, since it may die as well before anybody asks. Of an incarnation
// that ends while its process goes on, the next one has the same.
import type { StoredReply } from "../../actors/durable/ports.ts";
import { CellError } from "../../errors/cell-error.ts";
import { KEPT_COMMITS } from "../../transport/durable/state-stream.ts";

/** A client that is still there has asked again by then. */
const CARRY_MS = 30_000;
const MAX_CARRIED = 256;
/** Characters of JSON. */
const MAX_CARRIED_CHARS = 48 * 1024;
/** Of those that only say that there was an answer. */
const MAX_SAID_CHARS = 80 * 1024;

export class CarriedReplies {
  #replies: readonly StoredReply[] = [];
  #untilMs = 0;
  /** Of this process's own last commits, oldest first. */
  #lately: readonly (readonly StoredReply[])[] = [];
  /** Whether the newest of them were given to their senders. */
  #isGiven = false;

  /** @param commits their replies, oldest first */
  take(commits: readonly { readonly replies: readonly StoredReply[] }[], nowUnixMs: number): void {
    this.forget();
    const byPlace = new Map<string, StoredReply>();
    for (const { replies } of commits) {
      for (const reply of replies) byPlace.set(`${reply.sender} ${reply.intentId} ${reply.index}`, reply);
    }
    const wanted = [...byPlace.values()].filter(({ deadlineUnixMs }) => deadlineUnixMs > nowUnixMs);
    this.#replies = bounded(wanted);
    this.#untilMs = performance.now() + CARRY_MS;
  }

  /** A commit with these replies is kept, beside what is carried. */
  note(replies: readonly StoredReply[]): void {
    this.#lately = [...this.#lately, replies].slice(-KEPT_COMMITS);
    this.#isGiven = false;
  }

  /** Those of the newest commit have been given. */
  given(): void {
    this.#isGiven = true;
  }

  /** What an incarnation that ended leaves: of its newest commit what was not given for sure, and all others. */
  left(): { readonly newest: readonly StoredReply[]; readonly before: readonly StoredReply[] } {
    const given = this.#isGiven ? this.#lately : this.#lately.slice(0, -1);
    return { newest: this.#lately.slice(given.length).flat(), before: this.before(given.flat()) };
  }

  forget(): void {
    this.#lately = [];
    this.#isGiven = false;
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

const sizeOf = (reply: StoredReply): number => JSON.stringify(reply).length;
const nameOf = ({ sender, intentId }: StoredReply): string => `${sender} ${intentId}`;

/**
 * The newest ones. Of an intent whose answers find no room it is still said that it was answered:
 * the journal need not know of what was committed, so that it would be begun again.
 */
function bounded(replies: readonly StoredReply[]): readonly StoredReply[] {
  const kept: StoredReply[] = [];
  const said: StoredReply[] = [];
  const names = new Set<string>();
  let left = MAX_CARRIED_CHARS;
  let leftToSay = MAX_SAID_CHARS;
  for (const reply of replies.toReversed()) {
    const size = sizeOf(reply);
    if (size <= left && kept.length < MAX_CARRIED) {
      left -= size;
      kept.push(reply);
      names.add(nameOf(reply));
    } else if (!("begun" in reply.outcome)) said.push(withoutAnswer(reply));
  }
  const unsaid = said.filter((reply) => {
    if (names.has(nameOf(reply))) return false;
    names.add(nameOf(reply));
    leftToSay -= sizeOf(reply);
    return leftToSay >= 0;
  });
  return [...kept, ...unsaid].reverse();
}

/** For who asks again, and for nobody else. */
function withoutAnswer(reply: StoredReply): StoredReply {
  const { code, message, remedy, retryable } = new CellError("CAPSULE_REPLY_NOT_KEPT");
  return { ...reply, returnAddress: null, outcome: { error: { code, message, remedy, retryable } } };
}
