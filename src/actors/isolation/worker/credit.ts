// How many bytes a worker may have sent that the node has not read yet. A port has
// no bound of its own: without this, a worker that talks without end would fill the
// memory of the process that it shares with the node.

const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;

export const creditBuffer = (): SharedArrayBuffer => new SharedArrayBuffer(4);

export class Credit {
  readonly #inFlight: Int32Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer) {
    this.#inFlight = new Int32Array(shared);
  }

  /** Waits, with the whole thread, until there is room. */
  spend(bytes: number): void {
    for (;;) {
      const before = Atomics.load(this.#inFlight, 0);
      if (before === 0 || before + bytes <= MAX_IN_FLIGHT_BYTES) break;
      Atomics.wait(this.#inFlight, 0, before);
    }
    Atomics.add(this.#inFlight, 0, bytes);
  }

  /** The node has read that many. */
  give(bytes: number): void {
    Atomics.sub(this.#inFlight, 0, bytes);
    Atomics.notify(this.#inFlight, 0);
  }
}
