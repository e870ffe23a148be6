// The headers of a compare-and-set write, straight as bytes: nats.js would build a map,
// check and change each name, and encode them again for every write.
import { Buffer } from "node:buffer";
import { MsgHdrsImpl } from "@nats-io/nats-core/internal";

/** One for many writes: a publish takes the bytes while it is called, and not afterwards. */
export class WriteHeaders extends MsgHdrsImpl {
  readonly #before: string;
  #bytes: Uint8Array = new Uint8Array();

  /** @param stream that takes the writes, and refuses those meant for another */
  constructor(stream: string) {
    super();
    this.#before = `NATS/1.0\r\nNats-Expected-Stream: ${stream}\r\nNats-Expected-Last-Subject-Sequence: `;
  }

  /**
   * Those of the next write.
   * @param others printable ASCII, without a colon in the names
   */
  expecting(lastSubjectSequence: number, others: Readonly<Record<string, string>> = {}): this {
    let text = `${this.#before}${lastSubjectSequence}\r\n`;
    for (const name in others) text += `${name}: ${others[name]}\r\n`;
    this.#bytes = Buffer.from(`${text}\r\n`, "latin1");
    return this;
  }

  override encode(): Uint8Array {
    return this.#bytes;
  }
}
