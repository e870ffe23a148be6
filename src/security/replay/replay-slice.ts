// Capsules that were accepted and are forgotten at the same time. There are hundreds of
// thousands, and as objects they cost more to keep than to judge: here each is a row of 64
// bytes in one block that the garbage collector does not look into, found by an open-addressing
// table. It is hashed by tabulation (Patrascu and Thorup, "The power of simple tabulation
// hashing", 2012) with secret tables, so that nobody can choose ids that meet in one place.
import { randomBytes } from "node:crypto";
import { ReplyLog } from "./reply-log.ts";

/** `lost`: accepted by an earlier process, which died before it answered. */
const states = ["pending", "answered", "dropped", "lost"] as const;
type CapsuleState = (typeof states)[number];
/** In the place of a state: as if it had never come. */
const RELEASED = states.length;

/** Number of an entry in its slice. */
export type EntryNumber = number;

export type NewEntry = {
  /** Number that stands for the issuer. */
  readonly issuer: number;
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** SHA-256 of the capsule; the first 16 bytes are kept, since only its own issuer could find another with them. */
  readonly hash: Uint8Array;
  readonly state: CapsuleState;
  readonly isKeptElsewhere: boolean;
};

/** Words of a row: 0 to 3 are its id, 4 to 7 its hash. */
const ID = 0;
const HASH = 4;
const ISSUER = 8;
const STATE = 9;
const KEPT_ELSEWHERE = 10;
const REPEATS = 11;
const REPLIED = 12;
const REPLY_BYTES = 13;
const FIRST_REPLY = 14;
const LAST_REPLY = 15;
const ROW_WORDS = 16;
const KEY_BYTES = 16;
const FIRST_ROWS = 64;
/** A small integer for V8, also with what is added while a free place is looked for. */
const MAX_HASH = 2 ** 29 - 1;

const tables = new Uint32Array(new Uint8Array(randomBytes(4 * 256 * KEY_BYTES)).buffer);
const issuerFactor = (tables[0] ?? 0) | 1;

export class ReplaySlice {
  readonly #replies = new ReplyLog();
  #rows = new Uint32Array(FIRST_ROWS * ROW_WORDS);
  /** Numbers of entries plus one; 0: free. Twice as many places as rows. */
  #places = new Uint32Array(2 * FIRST_ROWS);
  #taken = 0;
  #count = 0;
  /** Rows of what was released, for those that come next: who is turned away for ever takes no more room. */
  readonly #released: EntryNumber[] = [];

  /** @param hashed what `hashOf` makes of them, the same for all slices */
  find(issuer: number, id: Uint8Array, hashed: number): EntryNumber | undefined {
    for (let at = hashed; ; at += 1) {
      const place = this.#places[at & (this.#places.length - 1)] ?? 0;
      if (place === 0) return undefined;
      if (this.#isAt(place - 1, issuer, id) && !this.#isReleased(place - 1)) return place - 1;
    }
  }

  /** One that is not in it. */
  add({ issuer, id, hash, state, isKeptElsewhere }: NewEntry): EntryNumber {
    // A row that is taken again leaves a place behind, that of what it was.
    if (4 * (this.#taken + 1) > 3 * this.#places.length) this.#rebuild();
    const entry = this.#released.pop() ?? this.#append();
    this.#settle(hashOf(issuer, id), entry);
    const row = entry * ROW_WORDS;
    this.#rows.fill(0, row, row + ROW_WORDS);
    for (let word = 0; word < 4; word += 1) {
      this.#rows[row + ID + word] = wordOf(id, word);
      this.#rows[row + HASH + word] = wordOf(hash, word);
    }
    this.#rows[row + ISSUER] = issuer;
    this.#rows[row + KEPT_ELSEWHERE] = isKeptElsewhere ? 1 : 0;
    this.setState(entry, state);
    return entry;
  }

  isOf(entry: EntryNumber, hash: Uint8Array): boolean {
    const row = entry * ROW_WORDS + HASH;
    for (let word = 0; word < 4; word += 1) {
      if (this.#rows[row + word] !== wordOf(hash, word)) return false;
    }
    return true;
  }

  state(entry: EntryNumber): CapsuleState {
    return states[this.#word(entry, STATE)] ?? "pending";
  }

  setState(entry: EntryNumber, state: CapsuleState): void {
    this.#rows[entry * ROW_WORDS + STATE] = states.indexOf(state);
  }

  /** As if it had never come. */
  release(entry: EntryNumber): void {
    this.#rows[entry * ROW_WORDS + STATE] = RELEASED;
    this.#released.push(entry);
  }

  isKeptElsewhere(entry: EntryNumber): boolean {
    return this.#word(entry, KEPT_ELSEWHERE) === 1;
  }

  /** How often it came again, this time included. */
  repeat(entry: EntryNumber): number {
    return this.#raise(entry, REPEATS, 1);
  }

  repeats(entry: EntryNumber): number {
    return this.#word(entry, REPEATS);
  }

  /** How many replies it had before this one, kept or not. */
  countReply(entry: EntryNumber): number {
    return this.#raise(entry, REPLIED, 1) - 1;
  }

  /** Of its replies, dropped ones included: they take room until all of the slice is forgotten. */
  replyBytes(entry: EntryNumber): number {
    return this.#word(entry, REPLY_BYTES);
  }

  keepReply(entry: EntryNumber, reply: Uint8Array): void {
    const place = this.#replies.append(reply, this.#word(entry, LAST_REPLY));
    const row = entry * ROW_WORDS;
    if (this.#word(entry, FIRST_REPLY) === 0) this.#rows[row + FIRST_REPLY] = place;
    this.#rows[row + LAST_REPLY] = place;
    this.#raise(entry, REPLY_BYTES, reply.length);
  }

  /** They are not given again; what they take stays counted. */
  dropReplies(entry: EntryNumber): void {
    for (const word of [FIRST_REPLY, LAST_REPLY]) this.#rows[entry * ROW_WORDS + word] = 0;
  }

  repliesTo(entry: EntryNumber): readonly Uint8Array[] {
    return this.#replies.read(this.#word(entry, FIRST_REPLY));
  }

  /** Of what was not released: number of the issuer, and bytes of its replies. */
  visit(each: (issuer: number, replyBytes: number) => void): void {
    for (let entry = 0; entry < this.#count; entry += 1) {
      if (!this.#isReleased(entry)) each(this.#word(entry, ISSUER), this.#word(entry, REPLY_BYTES));
    }
  }

  #append(): EntryNumber {
    if ((this.#count + 1) * ROW_WORDS > this.#rows.length) {
      const rows = new Uint32Array(2 * this.#rows.length);
      rows.set(this.#rows);
      this.#rebuild(rows);
    }
    this.#count += 1;
    return this.#count - 1;
  }

  #settle(hashed: number, entry: EntryNumber): void {
    let at = hashed;
    while (this.#places[at & (this.#places.length - 1)] !== 0) at += 1;
    this.#places[at & (this.#places.length - 1)] = entry + 1;
    this.#taken += 1;
  }

  /** Twice as many places as there are rows, for what was not released. Where there is no memory all stays as it is. */
  #rebuild(rows = this.#rows): void {
    this.#places = new Uint32Array(2 * (rows.length / ROW_WORDS));
    this.#rows = rows;
    this.#taken = 0;
    const id = new Uint8Array(KEY_BYTES);
    for (let entry = 0; entry < this.#count; entry += 1) {
      if (this.#isReleased(entry)) continue;
      for (let at = 0; at < KEY_BYTES; at += 1) {
        id[at] = this.#word(entry, ID + (at >> 2)) >>> (8 * (at & 3));
      }
      this.#settle(hashOf(this.#word(entry, ISSUER), id), entry);
    }
  }

  #isReleased(entry: EntryNumber): boolean {
    return this.#word(entry, STATE) === RELEASED;
  }

  #isAt(entry: EntryNumber, issuer: number, id: Uint8Array): boolean {
    const row = entry * ROW_WORDS;
    if (this.#rows[row + ISSUER] !== issuer) return false;
    for (let word = 0; word < 4; word += 1) {
      if (this.#rows[row + ID + word] !== wordOf(id, word)) return false;
    }
    return true;
  }

  #word(entry: EntryNumber, word: number): number {
    return this.#rows[entry * ROW_WORDS + word] ?? 0;
  }

  #raise(entry: EntryNumber, word: number, by: number): number {
    const raised = this.#word(entry, word) + by;
    this.#rows[entry * ROW_WORDS + word] = raised;
    return raised;
  }
}

export function hashOf(issuer: number, id: Uint8Array): number {
  let hash = Math.imul(issuer, issuerFactor);
  for (let at = 0; at < KEY_BYTES; at += 1) hash ^= tables[256 * at + (id[at] ?? 0)] ?? 0;
  return hash & MAX_HASH;
}

/** Four bytes, the first the lowest. */
function wordOf(bytes: Uint8Array, word: number): number {
  const at = 4 * word;
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}
