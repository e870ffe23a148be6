// What the broker says became of a write. Nearly always it is the one line that a stock
// server makes of a stored message, which is read without JSON; all else is.
import { JetStreamApiError } from "@nats-io/jetstream";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { toStreamError } from "../streams/kernel-stream.ts";

const ZERO = 0x30;
const NINE = 0x39;
const CLOSING = 0x7d;
/** Any number of so many digits is exact. */
const MAX_DIGITS = 15;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** How a server of version 2.9 to 2.12 begins its answer; the sequence and `}` follow. */
export const usualAnswer = (stream: string): Uint8Array =>
  new TextEncoder().encode(`{"stream":${JSON.stringify(stream)}, "seq":`);

/** The sequence of the message, or the error; BROKER_UNREACHABLE when it says neither. */
export function readAnswer(data: Uint8Array, usual: Uint8Array, where: string): Result<number, CellError> {
  const sequence = usualSequence(data, usual);
  if (sequence !== undefined) return ok(sequence);
  try {
    return readJson(JSON.parse(decoder.decode(data)), where);
  } catch (cause) {
    return unreadable(where, cause);
  }
}

function usualSequence(data: Uint8Array, usual: Uint8Array): number | undefined {
  const digits = data.length - usual.length - 1;
  if (digits < 1 || digits > MAX_DIGITS || data[data.length - 1] !== CLOSING) return undefined;
  for (let at = 0; at < usual.length; at += 1) if (data[at] !== usual[at]) return undefined;
  let sequence = 0;
  for (let at = usual.length; at < data.length - 1; at += 1) {
    const byte = data[at] ?? 0;
    if (byte < ZERO || byte > NINE) return undefined;
    sequence = sequence * 10 + byte - ZERO;
  }
  return sequence > 0 ? sequence : undefined;
}

function readJson(answer: unknown, where: string): Result<number, CellError> {
  if (typeof answer !== "object" || answer === null) return unreadable(where);
  if ("error" in answer) {
    const refused = readRefusal(answer.error);
    return refused === undefined ? unreadable(where) : err(toStreamError(refused, where));
  }
  const sequence = "seq" in answer && "stream" in answer && answer.stream !== "" ? answer.seq : undefined;
  return typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence > 0
    ? ok(sequence)
    : unreadable(where);
}

function readRefusal(error: unknown): JetStreamApiError | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const [code, errCode, description] = [
    "code" in error ? error.code : 0,
    "err_code" in error ? error.err_code : 0,
    "description" in error ? error.description : "",
  ];
  if (typeof code !== "number" || typeof errCode !== "number" || typeof description !== "string") {
    return undefined;
  }
  return new JetStreamApiError({ code, err_code: errCode, description });
}

const unreadable = (where: string, cause?: unknown): Result<never, CellError> =>
  err(new CellError("BROKER_UNREACHABLE", "the broker's answer to a write cannot be read", { where, cause }));
