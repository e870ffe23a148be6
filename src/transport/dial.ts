// Makes the first connection, and states how later ones are made again: for
// ever, with a delay that grows to a bound and is spread at random, so that the
// nodes of a cell do not come back in step.
import { credsAuthenticator, type NatsConnection } from "@nats-io/nats-core";
import type { CellError } from "../errors/cell-error.ts";
import { toBrokerError } from "./nats-errors.ts";
import { openNats } from "./open-nats.ts";

export type DialOptions = {
  /** `nats://host:port`, `tls://host:port`, `ws://host:port` or `wss://host:port`; several of one kind joined by commas. */
  readonly url: string;
  /** Text of a NATS creds file; an identity file is one. */
  readonly creds?: string;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** The principal's own prefix: nats.js would listen below _INBOX, which the broker refuses. */
  readonly inboxPrefix?: string;
  /** Whether to keep trying when the broker is not there at first; default "fail". */
  readonly firstConnect?: "fail" | "wait";
  /** Ends the attempts to connect; a connection that stands is not affected. */
  readonly signal?: AbortSignal;
};

const CONNECT_TIMEOUT_MS = 5_000;
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;
const PING_INTERVAL_MS = 5_000;

/** Delay before attempt n (from 0): doubling to a bound, then a random half to whole of it. */
export function reconnectDelayMs(attempt: number, random: () => number = Math.random): number {
  const bound = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
  return Math.round(bound * (0.5 + random() / 2));
}

/** @param attempts number of attempts since the connection was lost, kept by the caller */
export async function dial(options: DialOptions, attempts: { count: number }): Promise<NatsConnection> {
  const { signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await abortable(open(options, attempts), signal);
    } catch (error) {
      signal?.throwIfAborted();
      const failure: CellError = toBrokerError(error, options.url);
      if (options.firstConnect !== "wait" || !failure.retryable) throw failure;
      // Ends early when aborted; the loop then throws the signal's own reason.
      await wait(reconnectDelayMs(attempt), signal);
    }
  }
}

function open(options: DialOptions, attempts: { count: number }): Promise<NatsConnection> {
  const servers = options.url.split(",").map((url) => url.trim());
  return openNats(servers, {
    name: options.name,
    ...(options.creds === undefined
      ? {}
      : { authenticator: credsAuthenticator(new TextEncoder().encode(options.creds)) }),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => reconnectDelayMs(attempts.count),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
  });
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted === true) end();
  });
}

/** A connection that is made after the abort is closed again. */
async function abortable(opening: Promise<NatsConnection>, signal?: AbortSignal): Promise<NatsConnection> {
  if (signal === undefined) return opening;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (error) {
    opening.then((nats) => nats.close()).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
