// What an actor's side says for the log, and what it prints: bounded in length and
// number; beyond that it is counted, and the count is told.
import type { ActorClock } from "../ports.ts";
import { Budget } from "./budget.ts";

const LINES_PER_SECOND = 200;
const BURST = 400;
const MAX_CHARS = 4_096;
const LEVELS: ReadonlySet<string> = new Set(["debug", "info", "warn", "error"]);

export class RemoteLog {
  readonly #clock: ActorClock;
  readonly #budget: Budget;
  readonly #write: (level: string, message: string) => void;
  #dropped = 0;

  constructor(clock: ActorClock, write: (level: string, message: string) => void) {
    this.#clock = clock;
    this.#write = write;
    this.#budget = new Budget(LINES_PER_SECOND, BURST, clock.monotonicMs());
  }

  /** `write` takes it in place of the one that the log was made with. */
  line(level: string, message: string, write = this.#write): void {
    if (!this.#budget.take(1, this.#clock.monotonicMs())) {
      this.#dropped += 1;
      return;
    }
    this.#tellDropped();
    write(LEVELS.has(level) ? level : "info", message.slice(0, MAX_CHARS));
  }

  /** Tells what was dropped since; at the end, and with the next line that there is room for. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#write(
      "warn",
      `${this.#dropped} lines were dropped: it says more than ${LINES_PER_SECOND} a second`,
    );
    this.#dropped = 0;
  }

  close(): void {
    this.#tellDropped();
  }
}
