// `cell0 send TARGET INTENT [PAYLOAD]`
import { type Command, InvalidArgumentError, Option } from "commander";
import type { PriorityName } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { readCapability } from "./cap-file.ts";
import type { CellPort } from "./cell-port.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { errorToJson, formatError, toCellError } from "./error-output.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { type PayloadItem, payloadLines, readPayload } from "./payload-input.ts";
import { Latencies, renderSummary } from "./render/summary.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

type Options = {
  readonly file?: string;
  readonly lines?: string;
  readonly concurrency: number;
  readonly priority?: PriorityName;
  /** File of a capability. */
  readonly cap?: string;
  /** False with `--no-reply`. */
  readonly reply: boolean;
  /** False with `--no-retry`. */
  readonly retry: boolean;
};

/** What became of one intent, as `--json` prints it. */
export type SendResult = {
  readonly index: number;
  readonly ok: boolean;
  readonly replies: readonly unknown[];
  readonly id?: string;
  readonly error?: ReturnType<typeof errorToJson>;
  readonly elapsedMs: number;
};

const MAX_CONCURRENCY = 1_024;

export function registerSend(program: Command): void {
  const command = program
    .command("send")
    .description(
      "Send a signed intent and print its replies as they come. With --lines, one intent a line, and a summary at the end.",
    )
    .argument("<target>", "path of the actor, e.g. hello/greeter")
    .argument("<intent>", "intent type, e.g. greet")
    .argument("[payload]", "JSON; `-` reads it from standard input (default: {})")
    .addOption(new Option("--file <file>", "payload from a file").conflicts("lines"))
    .option("--lines <file>", "one payload a line; `-` for standard input")
    .option("--concurrency <n>", "intents under way at a time, with --lines", parseConcurrency, 16)
    .addOption(
      new Option("--priority <priority>", "before or after other intents in the mailbox").choices([
        "critical",
        "high",
        "normal",
        "low",
      ]),
    )
    .option("--cap <file>", "a capability that it rests on, in place of what its sender is granted")
    .option("--no-reply", "do not wait for a reply")
    .option(
      "--no-retry",
      "take a refusal for the answer, also one for lack of room (default: send again, later and later)",
    )
    .action(action(send));
  documented(command, {
    examples: [
      [`cell0 send hello/greeter greet '{"name":"Ada"}'`, "one intent"],
      [
        "cell0 send support/intake ticket.open --lines tickets.jsonl --concurrency 32",
        "many, with a summary",
      ],
      ["jq -c .order order.json | cell0 send shop/orders order.place -", "a payload from a pipe"],
    ],
    exits: ["refused", "unreachable", "partial"],
  });
}

async function send(
  context: Context,
  target: string,
  intent: string,
  argument: string | undefined,
  options: Options,
): Promise<ExitCode> {
  if (argument !== undefined && (options.file !== undefined || options.lines !== undefined)) {
    throw new CellError("CLI_USAGE", "give the payload once: as an argument, with --file or with --lines");
  }
  const { cap } = options;
  const capability =
    cap === undefined
      ? undefined
      : await readCapability(context, cap, [argument, options.file, options.lines]);
  const sender = new Sender(context, target, intent, { ...options, capability });
  if (options.lines !== undefined)
    return await sendLines(context, sender, options.lines, options.concurrency);
  const payload = await readPayload(context, argument, options.file);
  await sender.open();
  const { result, thrown } = await sender.one({ index: 0, payload }, "alone");
  context.printJson(result);
  if (thrown !== undefined) throw thrown;
  return exitCodes.ok;
}

async function sendLines(
  context: Context,
  sender: Sender,
  file: string,
  concurrency: number,
): Promise<ExitCode> {
  const latencies = new Latencies();
  const failures = new Map<string, number>();
  const startedAt = performance.now();
  const underWay = new Set<Promise<void>>();
  let unreachable = 0;
  await sender.open();
  const run = async (item: PayloadItem): Promise<void> => {
    const { result, thrown } = await sender.one(item, "among many");
    context.printJson(result);
    if (thrown === undefined) return latencies.add(result.elapsedMs);
    failures.set(thrown.code, (failures.get(thrown.code) ?? 0) + 1);
    if (exitCodeOf(thrown) === exitCodes.unreachable) unreachable += 1;
  };
  for await (const item of payloadLines(context, file)) {
    if (context.signal.aborted) break;
    const running = run(item);
    underWay.add(running);
    void running.finally(() => underWay.delete(running));
    if (underWay.size >= concurrency) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  const summary = latencies.summary(failures, performance.now() - startedAt);
  if (summary.sent !== 1) context.note(renderSummary(summary, context.errorColors));
  context.printJson({ summary });
  if (context.signal.aborted) return exitCodes.interrupted;
  if (summary.failed === 0) return exitCodes.ok;
  return unreachable === summary.sent ? exitCodes.unreachable : exitCodes.partial;
}

type SenderOptions = Options & { readonly capability: Uint8Array | undefined };

/** Sends one intent and prints what comes back. It throws only what is not about that intent. */
class Sender {
  readonly #context: Context;
  readonly #target: string;
  readonly #intent: string;
  readonly #options: SenderOptions;
  #port: CellPort | undefined;

  constructor(context: Context, target: string, intent: string, options: SenderOptions) {
    this.#context = context;
    this.#target = target;
    this.#intent = intent;
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#port = await this.#context.connect();
  }

  async one(
    { index, payload }: PayloadItem,
    company: "alone" | "among many",
  ): Promise<{ readonly result: SendResult; readonly thrown: CellError | undefined }> {
    const context = this.#context;
    const replies: unknown[] = [];
    const startedAt = performance.now();
    const head = company === "alone" ? "" : context.colors.dim(`#${index + 1} `);
    try {
      const id = await this.#run(payload, (value) => {
        replies.push(value ?? null);
        if (value !== undefined) context.print(`${head}${renderValue(value, company === "alone")}`);
      });
      const elapsedMs = roundMs(performance.now() - startedAt);
      return {
        result: { index, ok: true, ...(id === undefined ? {} : { id }), replies, elapsedMs },
        thrown: undefined,
      };
    } catch (cause) {
      const thrown = toCellError(cause);
      if (thrown.code === "CLI_INTERNAL") throw cause;
      const elapsedMs = roundMs(performance.now() - startedAt);
      if (company === "among many") {
        context.note(
          `${context.errorColors.dim(`#${index + 1}`)} ${context.errorColors.red(plain(formatError(thrown)))}`,
        );
      }
      return { result: { index, ok: false, replies, error: errorToJson(thrown), elapsedMs }, thrown };
    }
  }

  async #run(payload: unknown, onReply: (value: unknown) => void): Promise<string | undefined> {
    const port = this.#port;
    if (port === undefined) throw new CellError("CLI_INTERNAL", "not connected");
    const { priority, reply, retry, capability } = this.#options;
    const options = {
      timeoutMs: this.#context.timeoutMs,
      signal: this.#context.signal,
      retry,
      ...(priority === undefined ? {} : { priority }),
      ...(capability === undefined ? {} : { capability }),
    };
    if (!reply) return await port.send(this.#target, this.#intent, payload, options);
    for await (const each of port.stream(this.#target, this.#intent, payload, options)) onReply(each.value);
    return undefined;
  }
}

const roundMs = (elapsedMs: number): number => Math.round(elapsedMs * 1_000) / 1_000;

/** JSON, indented when it stands alone and is long; bytes as base64. */
export function renderValue(value: unknown, alone: boolean): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  const line = JSON.stringify(value) ?? "";
  const text = alone && line.length > 100 ? JSON.stringify(value, null, 2) : line;
  return plain(text, { lines: true });
}

function parseConcurrency(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MAX_CONCURRENCY) {
    throw new InvalidArgumentError(`It is a number from 1 to ${MAX_CONCURRENCY}.`);
  }
  return value;
}
