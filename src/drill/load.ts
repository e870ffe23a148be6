// A client's steady load on one actor: numbered intents at fixed times, sent whether or
// not earlier ones were answered. An intent's time counts from when it was due, so that
// a cell that stands still cannot make its own load wait (no coordinated omission).
import type { Clock } from "./ports.ts";

export type Outcome =
  | { readonly kind: "pending" }
  /** Applied, as the actor says; `life` names the incarnation that answered. */
  | { readonly kind: "answered"; readonly life: string }
  | { readonly kind: "failed"; readonly code: string };

export type Sent = {
  readonly n: number;
  /** When it was to leave, on the client's clock. */
  readonly dueMs: number;
  readonly endedMs: number | undefined;
  readonly outcome: Outcome;
};

export type LaneOptions = {
  readonly clock: Clock;
  readonly firstNumber: number;
  readonly everyMs: number;
  /** Sends one numbered intent; resolves with the life that answered, rejects with an error that has a code. */
  readonly send: (n: number) => Promise<{ readonly life: string }>;
};

/** Intents under way in one lane; what is due beyond it is not sent, and counted. */
const MAX_OPEN = 1_024;

export class Lane {
  readonly #options: LaneOptions;
  readonly #sent: Sent[] = [];
  readonly #listeners = new Set<(sent: Sent) => void>();
  #next: number;
  #everyMs: number;
  #maxProbes = MAX_OPEN;
  #dueMs = 0;
  #running = false;
  #open = 0;
  #notSent = 0;
  #idle: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#next = options.firstNumber;
    this.#everyMs = options.everyMs;
  }

  /** @param afterMs when the first is due, from now on */
  start(afterMs = 0): void {
    this.#running = true;
    this.#dueMs = this.#options.clock.nowMs() + afterMs;
    this.tick();
  }

  /** From now on one intent each so many milliseconds, whether or not earlier ones were answered. */
  pace(everyMs: number): void {
    this.#paceTo(everyMs, MAX_OPEN);
  }

  /**
   * The same, but none leaves while so many are under way: an actor that is down hears of
   * its return from those that wait, and more of them would measure the load.
   */
  probe(everyMs: number, maxOpen: number): void {
    this.#paceTo(everyMs, maxOpen);
  }

  #paceTo(everyMs: number, maxOpen: number): void {
    this.#everyMs = everyMs;
    this.#maxProbes = maxOpen;
    this.#dueMs = this.#options.clock.nowMs();
    this.tick();
  }

  /** Sends what is due. Called by the pacer of all lanes. */
  tick(): void {
    const now = this.#options.clock.nowMs();
    for (; this.#running && this.#dueMs <= now; this.#dueMs += this.#everyMs) {
      if (this.#open < this.#maxProbes) this.#send(this.#dueMs);
      else if (this.#maxProbes === MAX_OPEN) this.#notSent += 1;
    }
  }

  /** Intents that were due and did not leave, because too many were under way. */
  get notSent(): number {
    return this.#notSent;
  }

  /** Hears the end of each intent. Returns how to stop hearing. */
  onEnd(listener: (sent: Sent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends nothing more; resolves when every intent has ended, each by its own deadline. */
  async stop(): Promise<void> {
    this.#running = false;
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  get nextNumber(): number {
    return this.#next;
  }

  /** Everything sent since the last call, with how it ended. */
  take(): readonly Sent[] {
    return this.#sent.splice(0);
  }

  #send(dueMs: number): void {
    if (this.#open >= MAX_OPEN)
      throw new RangeError(`more than ${MAX_OPEN} intents of a drill are under way`);
    const n = this.#next;
    this.#next += 1;
    const at = this.#sent.length;
    this.#sent.push({ n, dueMs, endedMs: undefined, outcome: { kind: "pending" } });
    this.#open += 1;
    this.#options.send(n).then(
      ({ life }) => this.#end(at, n, dueMs, { kind: "answered", life }),
      (error: unknown) => this.#end(at, n, dueMs, { kind: "failed", code: codeOf(error) }),
    );
  }

  #end(at: number, n: number, dueMs: number, outcome: Outcome): void {
    const sent: Sent = { n, dueMs, endedMs: this.#options.clock.nowMs(), outcome };
    if (this.#sent[at]?.n === n) this.#sent[at] = sent;
    for (const listener of this.#listeners) listener(sent);
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#idle?.();
    this.#idle = undefined;
  }
}

/** An error without a code is the drill's own fault and must not pass for the cell's answer. */
function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}
