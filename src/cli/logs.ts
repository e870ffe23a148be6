// `cell0 logs`: recorded events, from the running nodes or, when none answers,
// from the files in the data directory.
import { existsSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { type Event, EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { type EventFilter, matchesEvent } from "../telemetry/event-filter.ts";
import { rotatedFiles } from "../telemetry/rotating-file.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type EventOptions, eventFilterOf, withEventOptions } from "./event-options.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { answeringNodes } from "./locate-node.ts";
import { printEvent } from "./print-event.ts";
import { action } from "./session.ts";

const MAX_LIMIT = 10_000;

type Options = EventOptions & { readonly limit: number; readonly follow?: true; readonly offline?: true };

export function registerLogs(program: Command): void {
  const command = withEventOptions(
    program
      .command("logs")
      .description(
        "Show recorded events, oldest first: of all nodes when the cell runs, else of this directory's files.",
      ),
  )
    .option("--limit <n>", "the newest so many", parseLimit, 200)
    .option("--root <id>", "only the chain that this intent began")
    .option("-f, --follow", "then show what comes, until Ctrl-C")
    .option("--offline", "read the files even when the cell runs")
    .action(action(logs));
  documented(command, {
    examples: [
      ["cell0 logs --actor support/triage --limit 50", "what one actor went through"],
      ["cell0 logs --kind actorCrashed --json | jq .", "crashes, as JSON"],
    ],
    exits: ["refused", "unreachable"],
  });
}

async function logs(context: Context, options: Options): Promise<ExitCode> {
  const filter = eventFilterOf(options);
  const useFiles = options.offline === true || !(await logsOfCell(context, options, filter));
  if (!useFiles) return exitCodes.ok;
  return await logsOfFiles(context, options, filter);
}

/** False when nobody can be reached and there are files to read instead. */
async function logsOfCell(context: Context, options: Options, filter: EventFilter): Promise<boolean> {
  try {
    const port = await context.connect();
    // Listening begins before the past is read, so that nothing falls in between.
    const live = options.follow === true ? port.events(context.signal)[Symbol.asyncIterator]() : undefined;
    const seen = new Set<string>();
    for (const event of await readPast(context, options, filter)) {
      if (live !== undefined) seen.add(idOf(event));
      printEvent(context, event);
    }
    for (let next = await live?.next(); next !== undefined && next.done !== true; next = await live?.next()) {
      const event = next.value;
      if (matchesEvent(filter, event) && !seen.delete(idOf(event))) printEvent(context, event);
    }
    return true;
  } catch (thrown) {
    const unreachable = thrown instanceof CellError && exitCodeOf(thrown) === exitCodes.unreachable;
    if (!unreachable || context.signal.aborted || rotatedFiles(context.dir.events).length === 0) throw thrown;
    context.note(context.errorColors.dim(`the cell does not answer; reading ${context.dir.events}`));
    return false;
  }
}

async function readPast(context: Context, options: Options, filter: EventFilter): Promise<readonly Event[]> {
  const kernel = await context.kernel();
  const events: Event[] = [];
  for (const node of await answeringNodes(kernel)) {
    const rows = await kernel.events(node, {
      limit: options.limit,
      ...(filter.actor === undefined ? {} : { actor: filter.actor }),
      ...(filter.kinds === undefined ? {} : { kinds: filter.kinds }),
      ...(filter.intent === undefined ? {} : { rootId: filter.intent }),
      quietKernel: filter.quietKernel === true,
    });
    for (const row of rows) events.push(fromBinary(EventSchema, row));
  }
  return events.sort(byTime).slice(-options.limit);
}

async function logsOfFiles(context: Context, options: Options, filter: EventFilter): Promise<ExitCode> {
  if (!existsSync(context.dir.root)) {
    throw new CellError("CELL_NOT_FOUND", "there is no cell in this directory", { where: context.dir.root });
  }
  const { readEvents } = await import("../telemetry/read-events.ts");
  const events = readEvents({
    path: context.dir.events,
    filter,
    last: options.limit,
    follow: options.follow === true,
    onDamage: (what) => context.note(context.errorColors.yellow(what)),
    ...(options.follow === true ? { signal: context.signal } : {}),
  });
  for await (const event of events) printEvent(context, event);
  return exitCodes.ok;
}

const idOf = (event: Event): string => Buffer.from(event.id).toString("hex");

/** By hybrid time; events of one node keep their sequence. */
function byTime(left: Event, right: Event): number {
  const [a, b] = [left.time, right.time];
  if (left.node === right.node) return Number(left.sequence - right.sequence);
  const ms = Number((a?.unixMs ?? 0n) - (b?.unixMs ?? 0n));
  return ms !== 0 ? ms : (a?.counter ?? 0) - (b?.counter ?? 0);
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidArgumentError(`It is a number from 1 to ${MAX_LIMIT}.`);
  }
  return limit;
}
