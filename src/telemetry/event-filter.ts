// Which events someone wants to see; for the log's reader and for live subscribers alike.
import type { Event } from "../gen/cell0/v1/events_pb.ts";

export type EventFilter = {
  /** A path, or a path with `/**` for it and all below it. */
  readonly actor?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  /** Hex; matches the intent itself and everything that its root caused. */
  readonly intent?: string | undefined;
  readonly principal?: string | undefined;
  readonly sinceUnixMs?: number | undefined;
  readonly afterSequence?: bigint | undefined;
  /** Leaves out intents on the kernel's own actors that went well: the command line's own questions. */
  readonly quietKernel?: boolean | undefined;
};

const ROUTINE: readonly (string | undefined)[] = [
  "intentAccepted",
  "intentStarted",
  "intentFinished",
  "replied",
  "sent",
];

export function matchesEvent(filter: EventFilter, event: Event): boolean {
  return (
    matchesActor(filter.actor, event.actor) &&
    (filter.kinds === undefined || filter.kinds.includes(event.kind.case ?? "")) &&
    (filter.intent === undefined || concerns(event, filter.intent.toLowerCase())) &&
    (filter.principal === undefined || principalOf(event) === filter.principal) &&
    (filter.sinceUnixMs === undefined || Number(event.time?.unixMs ?? 0n) >= filter.sinceUnixMs) &&
    (filter.afterSequence === undefined || event.sequence > filter.afterSequence) &&
    !(filter.quietKernel === true && isKernelRoutine(event))
  );
}

function isKernelRoutine({ actor, kind }: Event): boolean {
  if (!actor.startsWith("kernel/") || !ROUTINE.includes(kind.case)) return false;
  return kind.case !== "intentFinished" || (kind.value.error?.code ?? "") === "";
}

function matchesActor(pattern: string | undefined, path: string): boolean {
  if (pattern === undefined || pattern === path) return true;
  if (!pattern.endsWith("/**")) return false;
  const below = pattern.slice(0, -2);
  return path.startsWith(below) || path === below.slice(0, -1);
}

function concerns({ intent, kind }: Event, id: string): boolean {
  const sent = kind.case === "sent" ? [kind.value.id] : [];
  const ids = intent === undefined ? sent : [intent.id, intent.rootId, intent.causeId, ...sent];
  return ids.some((bytes) => Buffer.from(bytes).toString("hex") === id);
}

function principalOf({ intent, kind }: Event): string | undefined {
  return kind.case === "intentRefused" ? kind.value.principal : intent?.principal;
}
