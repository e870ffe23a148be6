// Asks an actor again and again, while all around it dies, until it answers.
import type { CellClient } from "../../src/client.ts";
import { systemClock } from "../../src/drill/ports.ts";

const ASK_MS = 2_000;
const ASK_UNTIL_MS = 60_000;
const PAUSE_MS = 20;

/** Undefined: it does not come back. What it is asked must do no harm when it is done twice. */
export async function ask(cell: CellClient, path: string, intent: string, payload = {}): Promise<unknown> {
  const untilMs = systemClock.nowMs() + ASK_UNTIL_MS;
  while (systemClock.nowMs() < untilMs) {
    try {
      return (await cell.request(path, intent, payload, { timeoutMs: ASK_MS })).value;
    } catch {
      await systemClock.after(PAUSE_MS);
    }
  }
  return undefined;
}

/** Asks until the answer is as it should be; the last one when it never is. */
export async function askUntil<T>(
  look: () => Promise<T>,
  isEnough: (found: T) => boolean,
  withinMs: number,
): Promise<T> {
  const untilMs = systemClock.nowMs() + withinMs;
  for (;;) {
    const found = await look();
    if (isEnough(found) || systemClock.nowMs() >= untilMs) return found;
    await systemClock.after(100);
  }
}
