// The cell's dead letters at this node: sets poison aside with its story, follows what all
// nodes have set aside, and closes what was retried or dropped. Of each letter only its
// heading is held; the rest is read from the broker when somebody asks.
import type { ReceivedIntent } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, type Result } from "../errors/result.ts";
import { sha256, toHex } from "../security/bytes.ts";
import {
  type DeadLetter,
  openDeadLetter,
  resealDeadLetter,
  signDeadLetter,
} from "../security/records/dead-letter.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { ID_BYTES } from "../security/wire/capsule.ts";
import type { Sealing } from "../security/wire/seal.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type DeadLettersStream, KEPT_RECORDS } from "../transport/streams/deadletters-stream.ts";
import type { StreamFollower } from "../transport/streams/follow.ts";
import { DeadLetterIndex, type LetterHeading } from "./dead-letter-index.ts";
import { type DeadLetterSpool, openSpool, type Spooled } from "./dead-letter-spool.ts";
import { keyOf } from "./poison.ts";
import type { Poisoned } from "./succession-desk.ts";

/** Letters that are being written to disk at once. */
const MAX_WRITING = 256;
const encoder = new TextEncoder();

export type DeadLetterOptions = {
  readonly node: string;
  readonly stream: DeadLettersStream;
  readonly directory: string;
  readonly trust: TrustStore;
  readonly sealing: Sealing;
  readonly now: () => number;
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
};

export type DeadLetters = {
  /** Never throws: what cannot be kept is on record. */
  bury(poisoned: Poisoned): void;
  /** Newest first. */
  list(filter: { readonly actor?: string | undefined; readonly all?: boolean }): readonly LetterHeading[];
  /** Throws ACTOR_DEADLETTER_UNKNOWN, ACTOR_DEADLETTER_INVALID, and what the broker refuses. */
  show(id: string): Promise<DeadLetter>;
  /** Throws likewise. @param retryId of the intent that it was retried as; undefined: it is dropped */
  close(id: string, by: string, retryId: string | undefined): Promise<LetterHeading>;
  /** The broker is there: what waits is sent, and what the others set aside is read. */
  connected(): void;
  stop(): Promise<void>;
};

type Appended = Result<{ readonly sequence: number }, CellError>;

/** At once: what waits in the spool is read, and the stream made and followed, meanwhile. */
export const openDeadLetters = (options: DeadLetterOptions): DeadLetters => new Letters(options);

/**
 * The same for an intent however often it is set aside: a node may die once the letter is
 * kept and before its actor has committed that, and the next one comes to the same end.
 */
const letterIdOf = (intent: ReceivedIntent): string =>
  toHex(
    sha256(encoder.encode(`cell0/v1/letter ${intent.target} ${keyOf(intent).sender} ${intent.id}`)),
  ).slice(0, 2 * ID_BYTES);

class Letters implements DeadLetters {
  readonly #options: DeadLetterOptions;
  readonly #index = new DeadLetterIndex(KEPT_RECORDS);
  #batch: bigint;
  #ensured: Promise<void> | undefined;
  /** Undefined: its directory cannot be used, and why. */
  readonly #spool: DeadLetterSpool | undefined;
  readonly #unusable: unknown;
  readonly #follower: StreamFollower;
  #writing = 0;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
    this.#batch = BigInt(options.now()) * 1000n;
    const { directory, setTimer, stream, trust, now, onProblem } = options;
    const append = (actor: string, bytes: Uint8Array) => this.#appendMine(actor, bytes);
    try {
      this.#spool = openSpool({ directory, append, setTimer, onProblem });
    } catch (cause) {
      this.#unusable = cause;
      onProblem(new CellError("ACTOR_DEADLETTER_LOST", undefined, { where: directory, cause }));
    }
    this.#follower = stream.follow({
      accept: ({ data, sequence, unixMs: takenUnixMs }) => {
        const opened = openDeadLetter(data, trust, { takenUnixMs, nowUnixMs: now() });
        if (!opened.ok) throw opened.error;
        this.#index.take(opened.value, sequence);
      },
      onRolledBack: () => this.#index.clear(),
      // Until the stream is made there is none to read.
      onProblem: (error) => error.code === "BROKER_STREAM_UNAVAILABLE" || onProblem(error),
    });
    this.#ensure().catch(() => undefined);
  }

  bury({ delivery, deaths }: Poisoned): void {
    const { record, onProblem, sealing } = this.#options;
    const { intent } = delivery;
    const actor = intent.target;
    const id = letterIdOf(intent);
    const told = (lost: string): void => {
      const { name = "", message = "" } = deaths.at(-1) ?? {};
      const value = { letterId: id, deaths: deaths.length, name, message, lost };
      record({ actor, intent, traceparent: intent.traceparent, kind: { case: "deadLettered", value } });
      if (lost !== "") onProblem(new CellError("ACTOR_DEADLETTER_LOST", lost, { where: actor }));
    };
    if (this.#writing >= MAX_WRITING) {
      told(`${this.#writing} letters are being written already`);
      return;
    }
    this.#writing += 1;
    const letter = this.#letterOf(id, { delivery, deaths });
    const bytes = signDeadLetter({ kind: "letter", letter }, sealing, this.#batch++);
    // The sender hears of it next: it must outlive this process by then.
    void this.#put({ id, actor, bytes })
      .then(
        () => told(""),
        (error: unknown) => told(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => {
        this.#writing -= 1;
      });
  }

  async #put(letter: Spooled): Promise<void> {
    if (this.#spool === undefined) throw this.#unusable;
    await this.#spool.put(letter);
  }

  list({ actor, all = false }: Parameters<DeadLetters["list"]>[0]): readonly LetterHeading[] {
    return this.#index.all().filter((heading) => {
      const isOf = actor === undefined || heading.actor === actor || heading.actor.startsWith(`${actor}/`);
      return isOf && (all || heading.closed === undefined);
    });
  }

  async show(id: string): Promise<DeadLetter> {
    const { stream, trust, now } = this.#options;
    const kept = await stream.at(this.#known(id).sequence);
    if (kept === undefined) throw unknown(id);
    const opened = openDeadLetter(kept.data, trust, { takenUnixMs: kept.unixMs, nowUnixMs: now() });
    if (!opened.ok) throw opened.error;
    if (opened.value.kind === "letter" && opened.value.letter.id === id) return opened.value.letter;
    throw new CellError("ACTOR_DEADLETTER_INVALID", "another record stands in its place", { where: id });
  }

  async close(id: string, by: string, retryId: string | undefined): Promise<LetterHeading> {
    const { actor, closed: before } = this.#known(id);
    if (before !== undefined) throw unknown(id, `it was ${before.how} already`);
    const how = retryId === undefined ? "dropped" : "retried";
    const closed = { id, actor, how, by, atUnixMs: this.#options.now(), retryId: retryId ?? "" } as const;
    const bytes = signDeadLetter({ kind: "closed", closed }, this.#options.sealing, this.#batch++);
    const sent = await this.#append(actor, bytes);
    if (!sent.ok) throw sent.error;
    this.#index.take({ kind: "closed", closed }, sent.value.sequence);
    return this.#known(id);
  }

  connected(): void {
    this.#ensure().catch(() => undefined);
    this.#spool?.nudge();
  }

  async stop(): Promise<void> {
    await this.#spool?.stop();
    await this.#follower.stop();
  }

  #letterOf(id: string, { delivery, deaths }: Poisoned): DeadLetter {
    const { intent, capsule } = delivery;
    const { target: actor, type, principal, hash, rootId, causeId, epoch } = intent;
    const { source, contentType, deadlineUnixMs } = intent;
    return {
      ...{ id, actor, source, contentType, deadlineUnixMs, deaths },
      node: this.#options.node,
      setAsideUnixMs: this.#options.now(),
      intent: { id: intent.id, rootId, causeId, type, principal, hash, epoch },
      capsule: capsule ?? new Uint8Array(),
      payload: capsule === undefined ? intent.payload : new Uint8Array(),
    };
  }

  /** A letter may have waited longer than the key counts that it was signed with. */
  async #appendMine(actor: string, bytes: Uint8Array): Promise<Appended> {
    const mine = resealDeadLetter(bytes, this.#options.sealing, this.#batch++);
    return mine.ok ? await this.#append(actor, mine.value) : mine;
  }

  #ensure(): Promise<void> {
    this.#ensured ??= this.#options.stream.ensure().catch((error: unknown) => {
      this.#ensured = undefined;
      throw error;
    });
    return this.#ensured;
  }

  async #append(actor: string, bytes: Uint8Array): Promise<Appended> {
    try {
      await this.#ensure();
      return await this.#options.stream.append(actor, bytes);
    } catch (error) {
      if (error instanceof CellError) return err(error);
      throw error;
    }
  }

  #known(id: string): LetterHeading {
    const heading = this.#index.get(id);
    if (heading === undefined) throw unknown(id);
    return heading;
  }
}

const unknown = (id: string, what?: string) => new CellError("ACTOR_DEADLETTER_UNKNOWN", what, { where: id });
