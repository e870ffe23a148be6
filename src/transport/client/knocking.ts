// While nobody of the cell listens, one request at a time goes out again and again, and
// all others wait for what becomes of it. Once one is answered, what may have been lost
// goes again at once: no client stays behind in its own backoff when the cell is back, and
// none of them holds the cell up with all that it has while it comes back.
import { InFlightSet } from "../../collections/in-flight.ts";
import type { PendingRequest } from "./pending-request.ts";

/** From a refusal to the next knock. */
const KNOCK_MS = 25;
/** The same, once nobody has listened for a while. */
const LATER_KNOCK_MS = 100;
const LATER_AFTER_MS = 5_000;
/** What goes again goes in waves: an actor's mailbox is bounded. */
const WAVE = 256;
const WAVE_MS = 10;

export type KnockingOptions = {
  /** All that wait for a reply. */
  readonly pending: () => Iterable<PendingRequest>;
  readonly nowMs: () => number;
};

export class Knocking {
  readonly #options: KnockingOptions;
  /** Refused, since nobody listened; who knocked last is last. */
  readonly #waiting = new InFlightSet<PendingRequest>();
  readonly #absent = new Set<string>();
  #sinceMs = 0;
  #refusedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #waves = new Set<NodeJS.Timeout>();

  constructor(options: KnockingOptions) {
    this.#options = options;
  }

  /** Nobody listened for it. It is still to be sent again by itself, later. */
  refused(request: PendingRequest): void {
    this.#refusedAtMs = this.#options.nowMs();
    if (this.#absent.size === 0) this.#sinceMs = this.#refusedAtMs;
    this.#absent.add(request.subject);
    this.#waiting.add(request);
    this.#schedule();
  }

  /** Somebody answers it. */
  answered(request: PendingRequest): void {
    if (!this.#absent.has(request.subject)) return;
    const lost = [...this.#options.pending()].filter((each) => each !== request && this.#mayBeLost(each));
    this.#waiting.clear();
    this.#absent.clear();
    this.#send(lost);
  }

  /** It has ended. */
  forget(request: PendingRequest): void {
    if (this.#waiting.delete(request) && this.#waiting.size === 0) this.#absent.clear();
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const wave of this.#waves) clearTimeout(wave);
  }

  #mayBeLost(request: PendingRequest): boolean {
    return this.#waiting.has(request) || request.sentAtMs <= this.#refusedAtMs;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const isLater = this.#refusedAtMs - this.#sinceMs > LATER_AFTER_MS;
    this.#timer = setTimeout(() => this.#knock(), isLater ? LATER_KNOCK_MS : KNOCK_MS);
  }

  /** Who waits for longest knocks; refused, it waits again, behind all others. */
  #knock(): void {
    this.#timer = undefined;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next.again();
    if (this.#waiting.size > 0) this.#schedule();
  }

  #send(requests: readonly PendingRequest[]): void {
    for (const request of requests.slice(0, WAVE)) request.again();
    const rest = requests.slice(WAVE);
    if (rest.length === 0) return;
    const wave = setTimeout(() => {
      this.#waves.delete(wave);
      this.#send(rest);
    }, WAVE_MS);
    this.#waves.add(wave);
  }
}
