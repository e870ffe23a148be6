// Sends a dead letter's intent again: a new capsule in the operator's own name and under
// the operator's own authority, with the old intent as its cause. Says whether the letter
// is settled by it.
import type { DeadLetterReport } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import type { CellPort } from "./cell-port.ts";
import { toCellError } from "./error-output.ts";

export type Retried = {
  /** Hex; empty when it was never sent. */
  readonly intentId: string;
  readonly replies: readonly unknown[];
  readonly error: CellError | undefined;
  /** Whether the actor has had it in hand: then it is no longer this letter's. */
  readonly closes: boolean;
};

export async function retryLetter(
  letter: DeadLetterReport,
  port: CellPort,
  timeoutMs: number,
): Promise<Retried> {
  const { intent, actor, contentType } = letter;
  const bytes = new Uint8Array(Buffer.from(letter.payload, "base64"));
  const payload = contentType === "application/json" ? parsed(bytes) : bytes;
  const replies: unknown[] = [];
  let intentId = "";
  try {
    const cause = { id: intent.id, rootId: intent.rootId, hopLimit: letter.hopLimit };
    const onSent = (id: string): void => {
      intentId = id;
    };
    for await (const { value } of port.stream(actor, intent.type, payload, { timeoutMs, cause, onSent }))
      if (value !== undefined) replies.push(value);
    return { intentId, replies, error: undefined, closes: true };
  } catch (thrown) {
    const error = toCellError(thrown);
    return { intentId, replies, error, closes: intentId !== "" && hadInHand(error) };
  }
}

/** The actor's own word, be it no: a further letter tells of a further death. */
const hadInHand = ({ code }: CellError): boolean =>
  code === "ACTOR_INTENT_POISONOUS" || code === "ACTOR_REFUSED" || code === "ACTOR_REPLY_INVALID";

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CellError("ACTOR_DEADLETTER_INVALID", "its payload is not the JSON that it says it is", {
      cause,
    });
  }
}
