// Payloads from the command line, a file, JSON lines or standard input; read in
// pieces, each bounded.
import { createReadStream } from "node:fs";
import { CellError } from "../errors/cell-error.ts";
import type { Context } from "./context.ts";

/** A capsule's payload is smaller; what is larger here is a mistake. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export type PayloadItem = { readonly index: number; readonly payload: unknown };

/** One payload: the argument, `-` for standard input, a file, or `{}`. Throws CLI_PAYLOAD_INVALID. */
export async function readPayload(
  context: Context,
  argument: string | undefined,
  file: string | undefined,
): Promise<unknown> {
  if (argument !== undefined && argument !== "-") return parsePayload(argument, "the argument");
  if (argument === undefined && file === undefined) return {};
  const name = argument === "-" ? "-" : (file ?? "-");
  const bytes = await readAll(openInput(context, name), MAX_PAYLOAD_BYTES);
  return parsePayload(new TextDecoder().decode(bytes), nameOf(name));
}

/** One payload a line; empty lines are passed over. Throws CLI_PAYLOAD_INVALID with the line's number. */
export async function* payloadLines(context: Context, file: string): AsyncGenerator<PayloadItem> {
  let index = 0;
  for await (const { line, number } of lines(openInput(context, file))) {
    if (line.trim() === "") continue;
    yield { index, payload: parsePayload(line, `${nameOf(file)}:${number}`) };
    index += 1;
  }
}

/** Bytes of a file, or of standard input for `-`. */
export function openInput(context: Context, name: string): AsyncIterable<Uint8Array> {
  return name === "-" ? context.terminal.input : createReadStream(context.path(name));
}

/** Throws CLI_INPUT_TOO_LARGE. */
export async function readAll(input: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of input) {
    length += part.length;
    if (length > maxBytes)
      throw new CellError("CLI_INPUT_TOO_LARGE", `the input is larger than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const nameOf = (file: string): string => (file === "-" ? "standard input" : file);

function parsePayload(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : "it does not parse";
    throw new CellError("CLI_PAYLOAD_INVALID", `the payload is not JSON: ${what}`, { where, cause });
  }
}

async function* lines(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly line: string; readonly number: number }> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  for await (const part of input) {
    const pieces = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = pieces.pop() ?? "";
    if (rest.length > MAX_PAYLOAD_BYTES)
      throw new CellError("CLI_INPUT_TOO_LARGE", `line ${number + 1} is too long`);
    for (const line of pieces) yield { line, number: ++number };
  }
  rest += decoder.decode();
  if (rest !== "") yield { line: rest, number: number + 1 };
}
