// What is told of an actor that runs in a worker or a process: its records in the event
// log, what it says and prints, the state it names, and what it has done so far. Texts
// are that side's word, so each is cut; who and when are the node's.
import type { CellError } from "../../errors/cell-error.ts";
import type { ActorLog, ActorTransition } from "../../gen/cell0/v1/channel_pb.ts";
import type { EventInput } from "../../telemetry/event.ts";
import type { ActorStats } from "../actor-host.ts";
import type { Incarnation } from "../child.ts";
import * as records from "../host-records.ts";
import type { ReceivedIntent } from "../intent.ts";
import type { Accepted } from "../open-requests.ts";
import type { ActorPorts } from "../ports.ts";
import { RemoteLog } from "./remote-log.ts";

const MAX_STATE_CHARS = 256;

export type AccountOptions = {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly ports: Pick<ActorPorts, "clock" | "record">;
};

/** What its mailbox knows of it, see `ActorStats`. */
export type MailboxFigures = Pick<ActorStats, "mailboxDepth" | "openRequests"> & {
  /** Since when the oldest unanswered intent is in hand, on the monotonic clock; undefined: idle. */
  readonly busySinceMs: number | undefined;
};

export class RemoteAccount {
  readonly #options: AccountOptions;
  readonly #log: RemoteLog;
  readonly #startedAtUnixMs: number;
  #state = "";
  #handledCount = 0;
  #refusedCount = 0;

  constructor(options: AccountOptions) {
    this.#options = options;
    const { clock } = options.ports;
    this.#startedAtUnixMs = clock.unixMs();
    this.#log = new RemoteLog(clock, (level, message) => this.#logged(level, message, undefined));
  }

  stats({ mailboxDepth, openRequests, busySinceMs }: MailboxFigures, hasFailed: boolean): ActorStats {
    const { clock } = this.#options.ports;
    return {
      state: this.#state,
      mailboxDepth,
      openRequests,
      handled: this.#handledCount,
      refused: this.#refusedCount,
      crashed: hasFailed ? 1 : 0,
      startedAtUnixMs: this.#startedAtUnixMs,
      busySinceUnixMs:
        busySinceMs === undefined ? undefined : clock.unixMs() - (clock.monotonicMs() - busySinceMs),
    };
  }

  /** The state that it starts in. */
  startsIn(state: string): void {
    this.#state = cut(state);
  }

  transition({ event, from, to }: ActorTransition, cause: ReceivedIntent | undefined): void {
    this.#state = cut(to);
    this.#record(records.transitionedRecord(cut(event), cut(from), this.#state), cause);
  }

  /** What its behaviour says. */
  said({ level, message }: ActorLog, cause: ReceivedIntent | undefined): void {
    this.#log.line(level, message, (known, text) => this.#logged(known, text, cause));
  }

  /** A line of its standard output or error. */
  printed(stream: "stdout" | "stderr", line: string): void {
    this.#log.line(stream === "stdout" ? "info" : "warn", line);
  }

  /** What the node itself has to say of it. */
  warn(message: string, cause: ReceivedIntent | undefined): void {
    this.#logged("warn", message, cause);
  }

  begun(accepted: Accepted): void {
    accepted.startedAtMs = this.#options.ports.clock.monotonicMs();
    this.#record(records.startedRecord(accepted), intentOf(accepted));
  }

  replied(accepted: Accepted, final: boolean): void {
    this.#record(records.repliedRecord(accepted, final), intentOf(accepted));
  }

  /** The last word on an intent that was begun; `error` unless it succeeded. */
  finished(accepted: Accepted, error: CellError | undefined): void {
    this.#handledCount += 1;
    const elapsedMs = this.#options.ports.clock.monotonicMs() - accepted.startedAtMs;
    this.#record(records.finishedRecord(elapsedMs, error), intentOf(accepted));
  }

  /** The last word on one that was never begun. */
  refused(accepted: Accepted, error: CellError): void {
    this.#refusedCount += 1;
    this.#record(records.refusedRecord(accepted, error), intentOf(accepted));
  }

  /** An intent was refused before it was anybody's. */
  refusedAtTheDoor(): void {
    this.#refusedCount += 1;
  }

  /** Nothing is said any more. */
  close(): void {
    this.#log.close();
  }

  #logged(level: string, message: string, cause: ReceivedIntent | undefined): void {
    this.#record(records.loggedRecord(level, message), cause);
  }

  #record(kind: EventInput["kind"], intent: ReceivedIntent | undefined): void {
    const { path: actor, incarnation, ports } = this.#options;
    ports.record({ actor, incarnation, intent, traceparent: intent?.traceparent, kind });
  }
}

const cut = (text: string): string => text.slice(0, MAX_STATE_CHARS);
const intentOf = ({ delivery }: Accepted): ReceivedIntent => delivery.intent;
