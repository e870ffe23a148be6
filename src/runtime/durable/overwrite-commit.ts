// For drills: a write over an actor's newest commit by a hand that is no actor's, as somebody
// with access to the broker could do it. What it writes is no commit.
import type { StateStream } from "../../transport/durable/state-stream.ts";

const FOREIGN = new TextEncoder().encode("this is no commit");
/** Against an actor that commits meanwhile. */
const MAX_TRIES = 100;

/** Resolves with the time at which the write left that landed, Unix milliseconds. Throws what the broker refuses. */
export async function overwriteCommit(
  stream: Pick<StateStream, "commit" | "last">,
  { path, shard }: { readonly path: string; readonly shard: number },
): Promise<number> {
  const head = { shard, path, pending: false, wakeAtUnixMs: undefined };
  const { signal } = new AbortController();
  for (let attempt = 1; ; attempt += 1) {
    const last = await stream.last(shard, path);
    const atUnixMs = performance.timeOrigin + performance.now();
    const written = await stream.commit(head, FOREIGN, last?.sequence ?? 0, signal);
    if (written.ok) return atUnixMs;
    if (attempt === MAX_TRIES) throw written.error;
  }
}
