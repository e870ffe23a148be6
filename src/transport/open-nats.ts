// How a connection to the broker is opened: over TCP, or over WebSocket where that is asked for.
// open-nats.browser.ts takes its place in a browser.
import { type ConnectionOptions, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

/** Throws what nats.js throws. @param servers all of one kind */
export function openNats(servers: readonly string[], options: ConnectionOptions): Promise<NatsConnection> {
  if (servers.every((url) => /^wss?:/.test(url))) return wsconnect({ ...options, servers: [...servers] });
  const tls = servers.some((url) => url.startsWith("tls://")) ? { tls: {} } : {};
  return connect({ ...options, ...tls, servers: [...servers] });
}
