// The headings of the dead letters, in the order of the stream: bounded as the stream is,
// so that what has given way there gives way here.
import type {
  ClosedLetter,
  DeadLetter,
  DeadLetterRecord,
  LetterDeath,
} from "../security/records/dead-letter.ts";

export type LetterHeading = Pick<
  DeadLetter,
  "id" | "actor" | "node" | "setAsideUnixMs" | "intent" | "source"
> & {
  readonly deaths: number;
  readonly lastDeath: Pick<LetterDeath, "class" | "name" | "message">;
  /** Where it stands in the stream. */
  readonly sequence: number;
  readonly closed: Pick<ClosedLetter, "how" | "by" | "atUnixMs" | "retryId"> | undefined;
};

const MAX_HEADING_MESSAGE = 256;

export class DeadLetterIndex {
  readonly #headings = new Map<string, LetterHeading>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(id: string): LetterHeading | undefined {
    return this.#headings.get(id);
  }

  /** Newest first. */
  all(): readonly LetterHeading[] {
    return [...this.#headings.values()].reverse();
  }

  /** The same letter may come twice: the first counts. A letter stays closed once it is. */
  take(record: DeadLetterRecord, sequence: number): void {
    if (record.kind === "closed") this.#close(record.closed);
    else this.#add(record.letter, sequence);
  }

  clear(): void {
    this.#headings.clear();
  }

  #add(letter: DeadLetter, sequence: number): void {
    if (this.#headings.has(letter.id)) return;
    const { id, actor, node, setAsideUnixMs, intent, source, deaths } = letter;
    const { class: failure = "crash", name = "", message = "" } = deaths.at(-1) ?? {};
    this.#headings.set(id, {
      ...{ id, actor, node, setAsideUnixMs, intent, source, sequence },
      deaths: deaths.length,
      lastDeath: { class: failure, name, message: message.slice(0, MAX_HEADING_MESSAGE) },
      closed: undefined,
    });
    for (const oldest of this.#headings.keys()) {
      if (this.#headings.size <= this.#max) return;
      this.#headings.delete(oldest);
    }
  }

  #close({ id, actor, how, by, atUnixMs, retryId }: ClosedLetter): void {
    const heading = this.#headings.get(id);
    if (heading === undefined || heading.actor !== actor || heading.closed !== undefined) return;
    this.#headings.set(id, { ...heading, closed: { how, by, atUnixMs, retryId } });
  }
}
