// `cell0 watch`: the cell's events as they happen; also as another NATS tool hears them.
import { fromBinary } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { type Event, EventGroupSchema } from "../gen/cell0/v1/events_pb.ts";
import { type EventFilter, matchesEvent } from "../telemetry/event-filter.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type EventOptions, eventFilterOf, withEventOptions } from "./event-options.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { openInput, readAll } from "./payload-input.ts";
import { printEvent } from "./print-event.ts";
import { action } from "./session.ts";

type Options = EventOptions & { readonly decode?: string | true };

/** A message of the bus: groups of events are smaller, but for one large event. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

export function registerWatch(program: Command): void {
  const command = withEventOptions(
    program.command("watch").description("Show events of all nodes as they happen, until Ctrl-C."),
  )
    .option("--intent <id>", "only events of this intent and of what it caused")
    .option(
      "--decode [file]",
      "show the events in one message of the event stream, which another NATS client received; `-` or nothing reads standard input",
    )
    .action(
      action((context, options: Options) => {
        const filter = eventFilterOf(options);
        const { decode } = options;
        return decode === undefined
          ? follow(context, filter)
          : decodeMessage(context, decode === true ? "-" : decode, filter);
      }),
    );
  documented(command, {
    examples: [
      ["cell0 watch --actor 'support/**'", "one graph"],
      ["cell0 watch --kind actorCrashed --kind actorRestarted", "what fails, and what heals"],
      [
        "nats sub 'cell0.v1.local.events.>' --translate 'cell0 watch --decode'",
        "by way of the `nats` command line: docs/client.md",
      ],
    ],
    exits: ["refused", "unreachable"],
  });
}

async function follow(context: Context, filter: EventFilter): Promise<ExitCode> {
  const port = await context.connect();
  context.note(context.errorColors.dim(`watching cell ${port.cell}; Ctrl-C ends it`));
  for await (const event of port.events(context.signal)) {
    if (matchesEvent(filter, event)) printEvent(context, event);
  }
  return context.signal.aborted ? exitCodes.ok : exitCodes.unreachable;
}

async function decodeMessage(context: Context, file: string, filter: EventFilter): Promise<ExitCode> {
  const bytes = await readAll(openInput(context, file), MAX_MESSAGE_BYTES);
  for (const event of eventsOf(bytes, file)) {
    if (matchesEvent(filter, event)) printEvent(context, event);
  }
  return exitCodes.ok;
}

/** Throws CLI_EVENTS_UNREADABLE. */
function eventsOf(bytes: Uint8Array, file: string): readonly Event[] {
  try {
    const { events } = fromBinary(EventGroupSchema, bytes);
    if (events.length > 0) return events;
  } catch (cause) {
    throw new CellError("CLI_EVENTS_UNREADABLE", undefined, { where: file, cause });
  }
  throw new CellError("CLI_EVENTS_UNREADABLE", "the message holds no events", { where: file });
}
