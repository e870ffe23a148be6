// Where an actor runs when its manifest does not say, and what fits only where.
import type { Isolation } from "./graph.ts";
import { parseSize } from "./size.ts";
import type { ProblemText } from "./yaml-document.ts";

export const MIN_MEMORY_BYTES = 16 * 1024 * 1024;

export type Isolating = {
  readonly isolation?: Isolation | undefined;
  readonly limits?: { readonly memory?: string | undefined; readonly cpu?: number | undefined } | undefined;
  readonly sandbox?: string | undefined;
  /** Kernel actors that it may ask for files, network and programs. */
  readonly tools?: unknown;
};

/** An agent that uses tools gets a process of its own; all else shares the event loop. */
export function isolationOf({ isolation, tools }: Isolating): Isolation {
  if (isolation !== undefined) return isolation;
  const hasTools = Array.isArray(tools) ? tools.length > 0 : tools !== undefined && tools !== null;
  return hasTools ? "process" : "shared";
}

export type IsolationProblem = {
  readonly field: string;
  readonly at: "key" | "value";
  readonly text: ProblemText;
};

/** Rules that look at more than one field. */
export function isolationProblems(actor: Isolating): IsolationProblem[] {
  const isolation = isolationOf(actor);
  const { limits, sandbox } = actor;
  const problems: IsolationProblem[] = [];
  const unfit = (field: string, message: string, expected: string) =>
    problems.push({ field, at: "key", text: { code: "MANIFEST_INVALID_VALUE", message, expected } });
  if (isolation === "shared" && limits !== undefined)
    unfit("limits", "a shared actor has no limits of its own", "`isolation: worker` or `isolation: process`");
  if (isolation !== "process" && sandbox !== undefined)
    unfit("sandbox", `there is no sandbox around a ${isolation} actor`, "`isolation: process`");
  const memory = limits?.memory === undefined ? undefined : parseSize(limits.memory);
  if (memory !== undefined && memory < MIN_MEMORY_BYTES)
    unfit("limits", `\`${limits?.memory}\` of memory is too little to start in`, "at least 16MiB");
  return problems;
}
