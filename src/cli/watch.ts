// `cell0 watch`: the cell's events as they happen.
import type { Command } from "commander";
import { matchesEvent } from "../telemetry/event-filter.ts";
import { documented } from "./documented.ts";
import { type EventOptions, eventFilterOf, withEventOptions } from "./event-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { printEvent } from "./print-event.ts";
import { action } from "./session.ts";

export function registerWatch(program: Command): void {
  const command = withEventOptions(
    program.command("watch").description("Show events of all nodes as they happen, until Ctrl-C."),
  )
    .option("--intent <id>", "only events of this intent and of what it caused")
    .action(
      action(async (context, options: EventOptions) => {
        const filter = eventFilterOf(options);
        const port = await context.connect();
        context.note(context.errorColors.dim(`watching cell ${port.cell}; Ctrl-C ends it`));
        for await (const event of port.events(context.signal)) {
          if (matchesEvent(filter, event)) printEvent(context, event);
        }
        return context.signal.aborted ? exitCodes.ok : exitCodes.unreachable;
      }),
    );
  documented(command, {
    examples: [
      ["cell0 watch --actor 'support/**'", "one graph"],
      ["cell0 watch --kind actorCrashed --kind actorRestarted", "what fails, and what heals"],
    ],
    exits: ["refused", "unreachable"],
  });
}
