// Pushed values as an async iterable, up to a bound. What happens beyond it is
// the owner's decision: `push` says whether there was room.
export class BoundedQueue<T> implements AsyncIterableIterator<T> {
  readonly #bound: number;
  readonly #onReturn: () => void;
  #values: T[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #ended: { readonly error: unknown } | undefined;

  /** @param onReturn called when the reader stops early, and never otherwise */
  constructor(bound: number, onReturn: () => void) {
    this.#bound = bound;
    this.#onReturn = onReturn;
  }

  push(value: T): boolean {
    if (this.#ended !== undefined) return true;
    const reader = this.#waiting.shift();
    if (reader !== undefined) reader.resolve({ done: false, value });
    else if (this.#values.length < this.#bound) this.#values.push(value);
    else return false;
    return true;
  }

  /** Ends after what is queued; with an error, the reader gets it then. Only the first end counts. */
  end(error?: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    for (const reader of this.#waiting.splice(0)) this.#finish(reader);
  }

  next(): Promise<IteratorResult<T>> {
    const reader = Promise.withResolvers<IteratorResult<T>>();
    const [value] = this.#values;
    if (this.#values.length > 0 && value !== undefined) {
      this.#values.shift();
      reader.resolve({ done: false, value });
    } else if (this.#ended !== undefined) this.#finish(reader);
    else this.#waiting.push(reader);
    return reader.promise;
  }

  async return(): Promise<IteratorResult<T>> {
    const early = this.#ended === undefined;
    this.#values = [];
    this.end();
    if (early) this.#onReturn();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An error is given once; whoever asks again finds the end. */
  #finish(reader: PromiseWithResolvers<IteratorResult<T>>): void {
    const error = this.#ended?.error;
    this.#ended = { error: undefined };
    if (error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(error);
  }
}
