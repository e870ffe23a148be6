// Many requests with a bound on how many are under way: takes the next of the
// input only when there is room for it, and never more than one input ahead.
import { InFlightSet } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Reply } from "./payload.ts";

export type ManyOptions<T> = {
  /** Under way at a time; default 64. */
  readonly concurrency?: number;
  /** Called as each is done, in the order of their ends. What it throws stops the rest. */
  readonly onResult?: (result: ManyResult<T>) => void;
  /** Stops taking inputs; what is under way ends with the signal's reason. */
  readonly signal?: AbortSignal;
};

export type ManyResult<T> = {
  readonly item: T;
  /** Position in the input, from 0. */
  readonly index: number;
  readonly elapsedMs: number;
} & ({ readonly ok: true; readonly reply: Reply } | { readonly ok: false; readonly error: CellError });

export type ManySummary = {
  readonly succeeded: number;
  readonly failed: number;
  readonly elapsedMs: number;
};

const CONCURRENCY = 64;
const MAX_CONCURRENCY = 4096;

/** @param request rejects with a CellError for an expected outcome; any other error stops everything */
export async function runMany<T>(
  items: Iterable<T> | AsyncIterable<T>,
  request: (item: T) => Promise<Reply>,
  options: ManyOptions<T> = {},
): Promise<ManySummary> {
  const { concurrency = CONCURRENCY, onResult, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    throw new RangeError(`concurrency is 1 to ${MAX_CONCURRENCY}`);
  }
  const startedMs = performance.now();
  const counts = { succeeded: 0, failed: 0 };
  const underWay = new InFlightSet<Promise<void>>();
  let room = Promise.withResolvers<void>();
  let fault: { readonly error: unknown } | undefined;
  const run = async (item: T, index: number): Promise<void> => {
    const result = await timed(item, index, request);
    counts[result.ok ? "succeeded" : "failed"] += 1;
    onResult?.(result);
  };
  let index = 0;
  for await (const item of items) {
    if (signal?.aborted === true || fault !== undefined) break;
    const running = run(item, index).catch((error: unknown) => {
      fault ??= { error };
    });
    index += 1;
    underWay.add(running);
    void running.then(() => {
      underWay.delete(running);
      room.resolve();
    });
    if (underWay.size >= concurrency) {
      // One promise a wait: a race over all of them would cost as much as a request.
      room = Promise.withResolvers();
      await room.promise;
    }
  }
  await Promise.all(underWay);
  if (fault !== undefined) throw fault.error;
  signal?.throwIfAborted();
  return { ...counts, elapsedMs: performance.now() - startedMs };
}

async function timed<T>(
  item: T,
  index: number,
  request: (item: T) => Promise<Reply>,
): Promise<ManyResult<T>> {
  const startedMs = performance.now();
  const facts = () => ({ item, index, elapsedMs: performance.now() - startedMs });
  try {
    const reply = await request(item);
    return { ok: true, reply, ...facts() };
  } catch (error) {
    if (error instanceof CellError) return { ok: false, error, ...facts() };
    throw error;
  }
}
