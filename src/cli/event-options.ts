// Options by which `watch` and `logs` choose events.
import { type Command, InvalidArgumentError } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { nearest } from "../manifest/suggest.ts";
import { eventKinds } from "../telemetry/event.ts";
import type { EventFilter } from "../telemetry/event-filter.ts";

export type EventOptions = {
  readonly actor?: string;
  readonly kind?: readonly string[];
  /** `watch` calls it intent, `logs` root. */
  readonly intent?: string;
  readonly root?: string;
  readonly all?: boolean;
};

export function withEventOptions(command: Command): Command {
  return command
    .option("--actor <path>", "only of one actor; a last /** takes all below it")
    .option("--kind <kind>", "only of one kind, e.g. actorCrashed; may be given again", collectKind)
    .option("--all", "also intents on the kernel's own actors that went well");
}

/** What is asked for by name is shown, whatever it is. */
export function eventFilterOf({ actor, kind, intent, root, all }: EventOptions): EventFilter {
  const id = intent ?? root;
  if (id !== undefined && !/^[0-9a-f]{32}$/i.test(id)) {
    throw new CellError("CLI_USAGE", "an intent's id is 32 hex digits", { where: id.slice(0, 80) });
  }
  const quietKernel = all !== true && actor === undefined && kind === undefined && id === undefined;
  return {
    quietKernel,
    ...(actor === undefined ? {} : { actor }),
    ...(kind === undefined ? {} : { kinds: kind }),
    ...(id === undefined ? {} : { intent: id }),
  };
}

function collectKind(kind: string, before: readonly string[] | undefined): readonly string[] {
  const known: readonly string[] = eventKinds;
  if (!known.includes(kind)) {
    const near = nearest(kind, known);
    throw new InvalidArgumentError(
      near === undefined ? `One of ${known.join(", ")}.` : `Did you mean ${near}?`,
    );
  }
  return [...(before ?? []), kind];
}
