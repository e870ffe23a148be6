// The broker's absence is no fault of an actor's: what needs it to start waits for it.
import { CellError } from "../../errors/cell-error.ts";

/** Between attempts while the broker is away. */
export const RETRY_MS = 100;

const AWAY: ReadonlySet<string> = new Set(["BROKER_UNREACHABLE", "BROKER_TIMEOUT", "BROKER_NO_RESPONDERS"]);

export const isAway = (error: unknown): boolean => error instanceof CellError && AWAY.has(error.code);

/** Tries again for as long as the broker is away. Throws whatever else keeps it from being done, and all once aborted. */
export async function unlessAway<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
