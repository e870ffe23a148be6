// The rules of dead letters, checked on the stream's own bytes and on what senders were
// told: an intent is one dead letter at most, is one when its sender hears so, and was
// never answered otherwise. Pure but for what it remembers.
import { fromBinary } from "@bufbuild/protobuf";
import { DeadLetterRecordSchema } from "../../src/gen/cell0/v1/deadletter_pb.ts";
import { SealedRecordSchema } from "../../src/gen/cell0/v1/durable_pb.ts";
import { toHex } from "../../src/security/bytes.ts";
import type { Message } from "./commits.ts";
import { MAX_NAMED } from "./verdict.ts";

export const POISONOUS = "ACTOR_INTENT_POISONOUS";

export class LetterJudge {
  /** Letters by the intent that they are about. */
  readonly #letters = new Map<string, { readonly actor: string; readonly ids: Set<string> }>();
  readonly #answered = new Set<string>();
  readonly #poisonous = new Map<string, string>();

  letter({ data }: Message): void {
    const { record } = fromBinary(DeadLetterRecordSchema, fromBinary(SealedRecordSchema, data).record);
    if (record.case !== "letter") return;
    const { id, actor, intent } = record.value;
    const of = toHex(intent?.id ?? new Uint8Array());
    const known = this.#letters.get(of) ?? { actor, ids: new Set<string>() };
    // A node that does not know whether the broker has a letter writes it again, under its id.
    known.ids.add(toHex(id));
    this.#letters.set(of, known);
  }

  /** What the sender of an intent was told in the end. */
  told(intent: string, path: string, outcome: "answered" | string): void {
    if (outcome === "answered") this.#answered.add(intent);
    if (outcome === POISONOUS) this.#poisonous.set(intent, path);
  }

  get count(): number {
    return this.#letters.size;
  }

  /** Whether every letter is there that a sender was told of: they may be on their way. */
  get isComplete(): boolean {
    return [...this.#poisonous.keys()].every((intent) => this.#letters.has(intent));
  }

  faults(): readonly string[] {
    const twice = [...this.#letters]
      .filter(([, { ids }]) => ids.size > 1)
      .map(([intent, { actor, ids }]) => `${actor}: ${ids.size} dead letters of the intent ${intent}`);
    const both = [...this.#letters]
      .filter(([intent]) => this.#answered.has(intent))
      .map(([intent, { actor }]) => `${actor}: the intent ${intent} was answered, and is a dead letter`);
    const none = [...this.#poisonous]
      .filter(([intent]) => !this.#letters.has(intent))
      .map(([intent, path]) => `${path}: told that the intent ${intent} is poison, but there is no letter`);
    return [...twice, ...both, ...none].slice(0, MAX_NAMED);
  }
}
