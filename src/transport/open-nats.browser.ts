// How a page opens a connection to the broker: over WebSocket, for it has nothing else.
import { type ConnectionOptions, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { CellError } from "../errors/cell-error.ts";

/** Throws BROKER_URL_UNUSABLE, and what nats.js throws. */
export async function openNats(
  servers: readonly string[],
  options: ConnectionOptions,
): Promise<NatsConnection> {
  const other = servers.find((url) => !/^wss?:\/\//.test(url));
  if (other !== undefined) throw new CellError("BROKER_URL_UNUSABLE", undefined, { where: other });
  return await wsconnect({ ...options, servers: [...servers] });
}
