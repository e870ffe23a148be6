// What is published while the broker is away, in order, up to a bound.
import { CellError } from "../errors/cell-error.ts";

export type BufferedMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
};

export type ReconnectBuffer = {
  /** Throws BROKER_BUFFER_FULL. */
  add(message: BufferedMessage): void;
  /** Takes everything out, in order. */
  take(): readonly BufferedMessage[];
  readonly bytes: () => number;
};

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGES = 16_384;

export function createReconnectBuffer(maxBytes: number = MAX_BYTES): ReconnectBuffer {
  let messages: BufferedMessage[] = [];
  let bytes = 0;
  return {
    add(message) {
      const size = message.data.byteLength + message.subject.length + (message.reply?.length ?? 0);
      if (bytes + size > maxBytes || messages.length >= MAX_MESSAGES) {
        throw new CellError("BROKER_BUFFER_FULL", undefined, { where: message.subject, retryAfterMs: 1000 });
      }
      bytes += size;
      messages.push(message);
    },
    take() {
      const pending = messages;
      messages = [];
      bytes = 0;
      return pending;
    },
    bytes: () => bytes,
  };
}
