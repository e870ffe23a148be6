// Asks an actor again and again, while all around it dies, until it answers.
import type { CellClient } from "../../src/client.ts";
import { systemClock } from "../../src/drill/ports.ts";

/** Longer than a cell takes to come back on a busy machine: the client library sends again until then. */
const ASK_MS = 10_000;
const ASK_UNTIL_MS = 150_000;
const PAUSE_MS = 20;

/** An actor is not heard of again: what it keeps cannot be judged. */
export class Silent extends Error {}

/** What it is asked must do no harm when it is done twice. @throws Silent */
export async function ask(cell: CellClient, path: string, intent: string, payload = {}): Promise<unknown> {
  const untilMs = systemClock.nowMs() + ASK_UNTIL_MS;
  while (systemClock.nowMs() < untilMs) {
    try {
      return (await cell.request(path, intent, payload, { timeoutMs: ASK_MS })).value;
    } catch {
      await systemClock.after(PAUSE_MS);
    }
  }
  throw new Silent(`${path} did not answer \`${intent}\` within ${ASK_UNTIL_MS / 1_000} s`);
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
