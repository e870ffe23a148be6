// A client's steady load on one actor: each intent has a text of its own, and must
// be answered once, with that text. Keeps what went wrong, and how long nobody was
// answered at most.
import type { CellClient } from "../../src/client.ts";

export type LoadResult = {
  readonly answered: number;
  /** What was not answered, or wrongly. */
  readonly failures: readonly string[];
  /** Longest time between two answers, by the client's clock. */
  readonly longestGapMs: number;
};

export type Load = {
  /** Answers so far. */
  answered(): number;
  /** Resolves once so many more intents were sent and answered, from now on. */
  more(count: number): Promise<void>;
  /** Waits for what is under way. */
  stop(): Promise<LoadResult>;
};

export type LoadOf = {
  readonly intent: string;
  readonly payload: (text: string) => unknown;
  /** The text that was answered with. */
  readonly answer: (value: unknown) => unknown;
  /** Chain of tokens that each rests on. */
  readonly capability?: Uint8Array;
};

export const SAY: LoadOf = {
  intent: "say",
  payload: (text) => ({ text }),
  answer: (value) => (value as { text?: unknown }).text,
};

export function startLoad(client: CellClient, target: string, lanes = 8, of: LoadOf = SAY): Load {
  const failures: string[] = [];
  let answered = 0;
  let number = 0;
  let stopped = false;
  let lastMs = performance.now();
  let longestGapMs = 0;
  const waiters = new Set<{ readonly from: number; left: number; resolve: () => void }>();
  const ask = async () => {
    const text = String(++number);
    const from = performance.now();
    try {
      const { value } = await client.request(target, of.intent, of.payload(text), {
        timeoutMs: 20_000,
        ...(of.capability === undefined ? {} : { capability: of.capability }),
      });
      if (of.answer(value) !== text) failures.push(`${text}: ${JSON.stringify(value)}`);
    } catch (error) {
      failures.push(`${text}: ${(error as { code?: string }).code ?? String(error)}`);
    }
    answered += 1;
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - lastMs);
    lastMs = now;
    for (const waiter of waiters) {
      if (from < waiter.from || --waiter.left > 0) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const lane = async () => {
    while (!stopped) await ask();
  };
  const running = Array.from({ length: lanes }, lane);
  return {
    answered: () => answered,
    more: (count) =>
      new Promise((resolve) =>
        waiters.add({ from: performance.now(), left: count, resolve: () => resolve() }),
      ),
    async stop() {
      stopped = true;
      await Promise.all(running);
      return { answered, failures, longestGapMs };
    },
  };
}
