// Checked fields of a manifest -> specs of a graph: names become paths,
// durations milliseconds, short forms long ones.
import { parseDuration, parseShutdown } from "./duration.ts";
import {
  type ActorSpec,
  type Backoff,
  type ChildSpec,
  DEFAULT_ON_CORRUPTION,
  DEFAULT_POISON_DEATHS,
  DEFAULT_PROGRESS_MS,
  type Json,
  type Limits,
  type SupervisorSpec,
} from "./graph.ts";
import { isolationOf } from "./isolation-rules.ts";
import type { ManifestSupervisor, ManifestTemplate } from "./schema.ts";
import { parseSize } from "./size.ts";
import type { ToolsSpec } from "./tools.ts";

const ms = (duration: string): number => parseDuration(duration) ?? 0;

function backoffOf({ initial, max, factor }: ManifestSupervisor["backoff"]): Backoff {
  return { initialMs: ms(initial), maxMs: ms(max), factor };
}

const DEFAULT_PASSIVATE_MS = 60_000;

export type SupervisorParts = {
  readonly children: readonly ChildSpec[];
  /** Under `simple_one_for_one`. */
  readonly template?: ActorSpec | undefined;
};

export function supervisorOf(
  manifest: Omit<ManifestSupervisor, "supervisor" | "children" | "template">,
  path: string,
  { children, template }: SupervisorParts,
): SupervisorSpec {
  const { strategy, intensity, period, backoff, restart, significant, autoShutdown } = manifest;
  const flags = { strategy, intensity, periodMs: ms(period), backoff: backoffOf(backoff), restart };
  return {
    kind: "supervisor",
    path,
    ...flags,
    children,
    ...(autoShutdown === "never" ? {} : { autoShutdown }),
    ...(significant ? { significant } : {}),
    ...(template === undefined ? {} : { template }),
  };
}

export function actorOf(
  actor: ManifestTemplate,
  path: string,
  behaviour: ActorSpec["behaviour"],
  intents: ActorSpec["intents"],
  tools: ToolsSpec | undefined,
): ActorSpec {
  const { restart, durable, mailbox, grants, onCorruption, limits, sandbox, passivate, sync, backoff } =
    actor;
  const { node } = actor.placement;
  return {
    kind: "actor",
    path,
    behaviour,
    // What the document holds is JSON, see plain-data.ts.
    input: (actor.input ?? null) as Json,
    restart,
    shutdownMs: parseShutdown(actor.shutdown) ?? 0,
    isolation: isolationOf(actor),
    durable,
    mailbox,
    intents,
    grants,
    placement: node === undefined ? {} : { node },
    // What is the default stays unsaid, so that a graph from before the field existed is no other one.
    ...(ms(actor.progress) === DEFAULT_PROGRESS_MS ? {} : { progressMs: ms(actor.progress) }),
    ...(actor.poison.deaths === DEFAULT_POISON_DEATHS ? {} : { poisonDeaths: actor.poison.deaths }),
    ...(passivate === undefined || ms(passivate) === DEFAULT_PASSIVATE_MS
      ? {}
      : { passivateAfterMs: ms(passivate) }),
    ...(sync === "always" ? { sync } : {}),
    ...(backoff === undefined ? {} : { backoff: backoffOf(backoff) }),
    ...(limits === undefined ? {} : { limits: limitsOf(limits) }),
    ...(sandbox === undefined || sandbox === "best_effort" ? {} : { sandbox }),
    ...(actor.significant ? { significant: true } : {}),
    ...(onCorruption === DEFAULT_ON_CORRUPTION ? {} : { onCorruption }),
    ...(tools === undefined ? {} : { tools }),
  };
}

function limitsOf({ memory, cpu }: NonNullable<ManifestTemplate["limits"]>): Limits {
  const memoryBytes = memory === undefined ? undefined : parseSize(memory);
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpu }),
  };
}
