// Records of the replay log on their way to its file, side by side in one buffer that
// grows to the largest turn and is used again.
import { Buffer } from "node:buffer";
import { type ReplayRecord, replayRecordBytes, writeReplayRecord } from "../security/replay/replay-record.ts";

const FIRST_BYTES = 64 * 1024;

export class ReplayQueue {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** False when it does not fit into any record. */
  add(record: ReplayRecord): boolean {
    const bytes = replayRecordBytes(record);
    if (bytes === undefined) return false;
    this.#reserve(this.#end + bytes);
    writeReplayRecord(this.#buffer, this.#end, record);
    this.#end += bytes;
    return true;
  }

  /** All that waits, until the next one is added. */
  take(): Uint8Array {
    const waiting = this.#buffer.subarray(0, this.#end);
    this.#end = 0;
    return waiting;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
