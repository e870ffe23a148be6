// Whether what the broker sends is still read. A throw inside the client library's own
// callbacks stops its reader for good, and nothing says so: no status, no close.
import { setTimeout as delay } from "node:timers/promises";
import type { BrokerConnection } from "../transport/connection.ts";

/** A broker on this machine answers within a millisecond; one that recovers may take its time. */
const ANSWER_TIMEOUT_MS = 5_000;

/** A connection that is down is sound: it is followed, and comes back by itself. */
export async function isRead(
  connection: Pick<BrokerConnection, "isConnected" | "flush">,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<boolean> {
  if (!connection.isConnected()) return true;
  const late = new AbortController();
  const answered = connection.flush().then(
    () => true,
    () => !connection.isConnected(),
  );
  const silent = delay(timeoutMs, undefined, { signal: late.signal }).then(
    () => !connection.isConnected(),
    () => true,
  );
  const read = await Promise.race([answered, silent]);
  late.abort();
  return read;
}
