// The stream of dead letters: intents that killed their actors, with their story, and the
// records that close them. Bounded by count, bytes and age; the oldest give way.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allDeadLetters, deadLetterSubject, deadLettersStreamName } from "../subjects.ts";
import { type FollowOptions, follow, type StreamFollower } from "./follow.ts";
import { KernelStream, type StreamRecord } from "./kernel-stream.ts";

export const KEPT_RECORDS = 4_096;
const KEPT_BYTES = 128 * 1024 * 1024;
const KEPT_MS = 30 * 86_400_000;
/** A capsule and sixteen deaths, with room. */
export const MAX_RECORD_BYTES = 384 * 1024;

export type DeadLettersStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /** @param actor path of the actor that the record is about */
  append(actor: string, record: Uint8Array): Promise<Result<{ readonly sequence: number }, CellError>>;
  /** Undefined: it has given way. */
  at(sequence: number): Promise<StreamRecord | undefined>;
  follow(options: FollowOptions): StreamFollower;
};

export function deadLettersStream(
  connection: BrokerConnection,
  cell: string,
  replicas = 1,
): DeadLettersStream {
  const stream = new KernelStream(connection, {
    name: deadLettersStreamName(cell),
    subjects: [allDeadLetters(cell)],
    // Nobody shuts out the letters of all other actors by one actor's.
    keepPerSubject: KEPT_RECORDS / 8,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxBytes: KEPT_BYTES,
    maxMessages: KEPT_RECORDS,
    maxAgeMs: KEPT_MS,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    append: (actor, record) => stream.publish(deadLetterSubject(cell, actor), record, undefined),
    at: (sequence) => stream.at(sequence),
    follow: (options) => follow(stream, options),
  };
}
