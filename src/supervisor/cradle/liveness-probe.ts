// A liveness probe of a server that speaks first, as NATS and HTTP/2 servers do: it is
// connected to again and again, and goes on as long as something comes. What comes is
// thrown away unread.
import { connect, type Socket } from "node:net";
import type { Endpoint } from "./process-spec.ts";

/** From the end of one connection to the next. */
const PROBE_EVERY_MS = 250;
/** A connection on which nothing came by then is given up, and the next one tried. */
const PROBE_TIMEOUT_MS = 1_000;

/** What keeps this process from asking says nothing of the other. */
const OWN_WANT: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"]);

export type LivenessProbe = {
  /** Since when it was asked and has not spoken, on the monotonic clock; undefined: it owes nothing. */
  owedSinceMs(): number | undefined;
  stop(): void;
};

/** Never throws: a connection that fails is one on which nothing came. */
export function probe(endpoint: Endpoint): LivenessProbe {
  let owedSinceMs: number | undefined;
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const ask = () => {
    owedSinceMs ??= performance.now();
    socket = connect("path" in endpoint ? endpoint : { host: "127.0.0.1", ...endpoint })
      .setTimeout(PROBE_TIMEOUT_MS, () => socket?.destroy())
      .once("data", () => {
        owedSinceMs = undefined;
        socket?.destroy();
      })
      .on("error", ({ code }: NodeJS.ErrnoException) => {
        if (OWN_WANT.has(code ?? "")) owedSinceMs = undefined;
      })
      .once("close", () => {
        if (!stopped) timer = setTimeout(ask, PROBE_EVERY_MS);
      });
  };
  ask();
  return {
    owedSinceMs: () => owedSinceMs,
    stop() {
      stopped = true;
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}
