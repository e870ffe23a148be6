// What is signed, on its way to the broker.
import type { BrokerConnection } from "./connection.ts";

/**
 * Publishes a signed envelope. Throws BROKER_CLOSED, BROKER_BUFFER_FULL,
 * BROKER_MESSAGE_TOO_LARGE; while the broker is away it is buffered.
 * @param natsReply subject on which the broker says that nobody listens, and a node refuses what it cannot read
 */
export function publishEnvelope(
  connection: BrokerConnection,
  subject: string,
  envelope: Uint8Array,
  natsReply?: string,
): void {
  connection.publish(subject, envelope, natsReply);
}
