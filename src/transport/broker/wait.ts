// Waits until a broker that was just started takes connections with these
// credentials and has JetStream ready.
import { CellError } from "../../errors/cell-error.ts";
import { type BrokerConnection, connectBroker } from "../connection.ts";

export type WaitOptions = {
  readonly url: string;
  /** Text of a NATS creds file. */
  readonly creds: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/**
 * Resolves with the broker's version. Throws BROKER_REFUSED_CREDENTIALS and
 * BROKER_TOO_OLD at once, BROKER_UNREACHABLE after `timeoutMs` (default 10 s),
 * BROKER_STREAM_UNAVAILABLE when it runs without JetStream.
 */
export async function waitForBroker(options: WaitOptions): Promise<string> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  let connection: BrokerConnection | undefined;
  try {
    connection = await connectBroker({ ...options, name: "cell0 wait", firstConnect: "wait", signal });
    if (connection.nats.info?.jetstream !== true) throw new CellError("BROKER_STREAM_UNAVAILABLE");
    return connection.version();
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof CellError && error.code !== "BROKER_UNREACHABLE") throw error;
    throw new CellError("BROKER_UNREACHABLE", "the broker did not get ready in time", {
      where: options.url,
      cause: error,
    });
  } finally {
    await connection?.close();
  }
}
