// Maps and sets for what comes and goes quickly, such as intents in hand. V8's own ones leave
// each outgrown or worn-out table pointing at the one that replaced it. Once a table has become
// old, all that ever stood in those after it survives until the next full collection, though it
// was deleted: three of four bytes that a busy node had to move were such. These are begun anew
// from time to time, which cuts that chain.

/** Beyond this many additions, or twice as many as there are entries, they are begun anew. */
const MIN_ADDED = 256;

/** As a Map, in its order; but what is added while it is iterated may begin it anew: that iteration goes on over what was there. */
export class InFlightMap<K, V> {
  #entries = new Map<K, V>();
  #added = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  set(key: K, value: V): this {
    this.#added += 1;
    if (this.#added > MIN_ADDED && this.#added > 2 * this.#entries.size) {
      this.#entries = new Map(this.#entries);
      this.#added = 0;
    }
    this.#entries.set(key, value);
    return this;
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries = new Map();
    this.#added = 0;
  }

  keys(): MapIterator<K> {
    return this.#entries.keys();
  }

  values(): MapIterator<V> {
    return this.#entries.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries[Symbol.iterator]();
  }
}

/** As a Set; see InFlightMap. */
export class InFlightSet<T> {
  readonly #members = new InFlightMap<T, true>();

  constructor(members: Iterable<T> = []) {
    for (const member of members) this.add(member);
  }

  get size(): number {
    return this.#members.size;
  }

  has(member: T): boolean {
    return this.#members.has(member);
  }

  add(member: T): this {
    this.#members.set(member, true);
    return this;
  }

  delete(member: T): boolean {
    return this.#members.delete(member);
  }

  clear(): void {
    this.#members.clear();
  }

  values(): MapIterator<T> {
    return this.#members.keys();
  }

  [Symbol.iterator](): MapIterator<T> {
    return this.#members.keys();
  }
}
