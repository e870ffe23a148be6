// One operation at a time in a granted folder, in the order asked: a quota that is
// counted is used before the next one counts, and nobody sees a draft.

export class FolderTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Bounded by the calls that actors may have in hand. */
  async take<T>(folder: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last.get(folder) ?? Promise.resolve();
    const turn = before.then(async () => {
      signal.throwIfAborted();
      return await work();
    });
    const settled = turn.then(
      () => {},
      () => {},
    );
    this.#last.set(folder, settled);
    void settled.then(() => {
      if (this.#last.get(folder) === settled) this.#last.delete(folder);
    });
    return await turn;
  }
}
