// `cell0 deadletter list|show|retry|drop`
import type { Command } from "commander";
import type { DeadLetterReport, DeadLetterRow } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { retryLetter } from "./deadletter-retry.ts";
import { documented } from "./documented.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { KernelClient } from "./kernel-client.ts";
import { answeringNodes } from "./locate-node.ts";
import { type Column, renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

const MAX_SHOWN_PAYLOAD = 2_000;

export function registerDeadletter(program: Command): void {
  const deadletter = program
    .command("deadletter")
    .description("Intents that were set aside because they killed their actor each time they were tried.");
  const list = deadletter
    .command("list")
    .description("List them, newest first.")
    .option("--actor <path>", "only those of one actor, or of all below a supervisor")
    .option("--all", "those that were retried or dropped, too")
    .action(action(listLetters));
  documented(list, {
    examples: [
      ["cell0 deadletter list", "what waits for a decision"],
      ["cell0 deadletter list --actor support --all", "of one graph, with what became of each"],
    ],
    exits: ["refused", "unreachable"],
  });
  const show = deadletter
    .command("show")
    .description("Show one with its story: each death, with what was thrown and where.")
    .argument("<id>", "its id, or the end of it")
    .action(action(showLetter));
  documented(show, {
    examples: [["cell0 deadletter show 3f9c0a11b2d4", "by the end of its id, as `list` prints it"]],
    exits: ["refused", "unreachable"],
  });
  const retry = deadletter
    .command("retry")
    .description(
      "Send it to its actor again, as a new intent in your name whose cause is the old one, and close it.",
    )
    .argument("<id>")
    .action(action(retryOne));
  documented(retry, {
    examples: [["cell0 deadletter retry 3f9c0a11b2d4", "after the behaviour is mended"]],
    exits: ["refused", "unreachable"],
    notes:
      "It stays open when the actor could not take it. When it kills the actor again, there is a new dead letter.",
  });
  const drop = deadletter
    .command("drop")
    .description("Close it for good. It stays in `list --all` until it is too old to be kept.")
    .argument("<id>")
    .option("-y, --yes", "do not ask")
    .action(action(dropLetter));
  documented(drop, {
    examples: [["cell0 deadletter drop 3f9c0a11b2d4 --yes", "it will not be tried again"]],
    exits: ["negative", "refused", "unreachable"],
  });
  documented(deadletter, {
    examples: [["cell0 deadletter list", "what waits for a decision"]],
    exits: ["refused", "unreachable"],
  });
}

type Desk = { readonly kernel: KernelClient; readonly node: string };

/** Every node knows all letters of the cell. */
async function deskOf(context: Context): Promise<Desk> {
  const kernel = await context.kernel();
  const [node = ""] = await answeringNodes(kernel);
  return { kernel, node };
}

type ListOptions = { readonly actor?: string; readonly all?: true };

async function listLetters(context: Context, options: ListOptions): Promise<ExitCode> {
  const { kernel, node } = await deskOf(context);
  const rows = await kernel.deadLetters(node, options);
  context.print(renderTable(rows, columns(context, options.all === true), context.colors));
  if (rows.length === 0) context.note("No dead letters.");
  context.printJson(rows);
  return exitCodes.ok;
}

async function showLetter(context: Context, text: string): Promise<ExitCode> {
  const { kernel, node } = await deskOf(context);
  const { id } = await find(kernel, node, text, true);
  const letter = await kernel.deadLetter(node, id);
  context.print(renderLetter(letter, context));
  context.printJson(letter);
  return exitCodes.ok;
}

async function retryOne(context: Context, text: string): Promise<ExitCode> {
  const { kernel, node } = await deskOf(context);
  const { id, actor } = await find(kernel, node, text, false);
  const letter = await kernel.deadLetter(node, id);
  const port = await context.connect();
  const retried = await retryLetter(letter, port, context.timeoutMs);
  if (retried.closes) await kernel.closeDeadLetter(node, id, retried.intentId);
  if (retried.error !== undefined) {
    if (retried.closes) context.note(`Dead letter ${short(id)} was retried as ${short(retried.intentId)}.`);
    throw retried.error;
  }
  context.print(
    `${plain(actor)} took it as intent ${short(retried.intentId)}: ${renderReplies(retried.replies)}`,
  );
  context.printJson({ id, actor, retriedAs: retried.intentId, replies: retried.replies });
  return exitCodes.ok;
}

async function dropLetter(
  context: Context,
  text: string,
  { yes }: { readonly yes?: true },
): Promise<ExitCode> {
  const { kernel, node } = await deskOf(context);
  const { id, actor, intent } = await find(kernel, node, text, false);
  await confirm(
    context,
    `Drop ${plain(intent.type)} of ${plain(intent.principal)} for ${plain(actor)}?`,
    yes === true,
  );
  await kernel.closeDeadLetter(node, id, undefined);
  context.print(`Dropped ${short(id)}.`);
  context.printJson({ id, actor, dropped: true });
  return exitCodes.ok;
}

/** By its id or an end of it that no other has. Throws ACTOR_DEADLETTER_UNKNOWN. */
async function find(
  kernel: KernelClient,
  node: string,
  text: string,
  closedToo: boolean,
): Promise<DeadLetterRow> {
  const rows = await kernel.deadLetters(node, closedToo ? { all: true } : {});
  const found = rows.filter(({ id }) => id.endsWith(text.toLowerCase()));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const what = found.length > 1 ? `${found.length} dead letters end with "${text}"` : undefined;
  throw new CellError("ACTOR_DEADLETTER_UNKNOWN", what, { where: text });
}

const short = (id: string): string => id.slice(-12);

function columns({ colors }: Context, closedToo: boolean): readonly Column<DeadLetterRow>[] {
  return [
    { title: "ID", value: ({ id }) => short(id) },
    { title: "ACTOR", value: ({ actor }) => plain(actor) },
    { title: "INTENT", value: ({ intent }) => plain(intent.type) },
    {
      title: "FROM",
      value: ({ intent, source }) => plain(source === "" ? intent.principal : source),
    },
    { title: "DEATHS", align: "right", value: ({ deaths }) => String(deaths) },
    { title: "SET ASIDE (UTC)", value: ({ setAsideUnixMs }) => formatTime(setAsideUnixMs) },
    ...(closedToo
      ? [
          {
            title: "BECAME",
            value: ({ closed }: DeadLetterRow) =>
              closed === undefined ? "open" : plain(`${closed.how} by ${closed.by}`),
          },
        ]
      : []),
    {
      title: "LAST DEATH",
      value: ({ lastDeath }) => colors.red(plain(`${lastDeath.name}: ${lastDeath.message}`.slice(0, 100))),
    },
  ];
}

function renderLetter(letter: DeadLetterReport, { colors }: Context): string {
  const { intent, source, story } = letter;
  const from = source === "" ? intent.principal : `${source} (${intent.principal})`;
  const head = [
    ["dead letter", letter.id],
    ["actor", `${letter.actor} on ${letter.node}`],
    ["intent", `${intent.type} ${intent.id}`],
    ["from", from],
    ["root", intent.rootId],
    ["set aside", `${formatTime(letter.setAsideUnixMs)} UTC`],
    ["payload", shownPayload(letter)],
  ].map(([name = "", value = ""]) => `${colors.dim(name.padEnd(12))}${plain(value)}`);
  const deaths = story.flatMap((death, at) => [
    "",
    `${colors.red(`death ${at + 1}`)}  ${formatTime(death.atUnixMs)} UTC  incarnation ${death.incarnation.activation}  ${plain(death.class)} (${plain(death.origin)})`,
    `  ${plain(death.name)}: ${plain(death.message, { lines: true })}`,
    ...plain(death.stack, { lines: true })
      .split("\n")
      .slice(1)
      .map((line) => colors.dim(line)),
  ]);
  return [...head, ...deaths].join("\n");
}

function shownPayload({ payload, contentType }: DeadLetterReport): string {
  const bytes = Buffer.from(payload, "base64");
  const text = contentType === "application/json" ? bytes.toString("utf8") : `${bytes.length} bytes`;
  return text.length <= MAX_SHOWN_PAYLOAD ? text : `${text.slice(0, MAX_SHOWN_PAYLOAD)} [cut]`;
}

const renderReplies = (replies: readonly unknown[]): string =>
  replies.length === 0 ? "done" : plain(replies.map((reply) => JSON.stringify(reply)).join(" "));
