// What the cradle and the process that started it say to each other: processes and rules
// go in as data, what happens comes out. Nobody else has an end of their channel, and both
// are of one version; what has another form is passed over.
import type { CradleEnd, CradleEvent } from "./cradle.ts";
import type { ProcessSpec } from "./process-spec.ts";
import type { RestartRules } from "./restart-policy.ts";

export type CradleOrder =
  | { readonly type: "run"; readonly specs: readonly ProcessSpec[]; readonly rules: RestartRules }
  /** Of processes that run: the next start of each is by these. */
  | { readonly type: "update"; readonly specs: readonly ProcessSpec[] }
  /** In order. */
  | { readonly type: "stop" }
  /** At once. */
  | { readonly type: "kill" };

/** Ids of the processes that run, by name. */
export type Pids = Readonly<Record<string, number>>;

export type CradleReport =
  | { readonly type: "event"; readonly event: CradleEvent }
  | { readonly type: "pids"; readonly pids: Pids }
  /** The last that it says. */
  | { readonly type: "ended"; readonly end: CradleEnd };

export const readOrder = (message: unknown): CradleOrder | undefined =>
  isOneOf(message, ["run", "update", "stop", "kill"]) ? (message as CradleOrder) : undefined;

export const readReport = (message: unknown): CradleReport | undefined =>
  isOneOf(message, ["event", "pids", "ended"]) ? (message as CradleReport) : undefined;

const isOneOf = (message: unknown, types: readonly string[]): boolean =>
  typeof message === "object" &&
  message !== null &&
  "type" in message &&
  typeof message.type === "string" &&
  types.includes(message.type);
