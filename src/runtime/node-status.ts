// What `node.status` reports and `cell0 up` prints.
import process from "node:process";
import type { NodeStatus } from "../actors/kernel/reports.ts";
import type { CellError } from "../errors/cell-error.ts";
import { brokerSyncOf, type CellConfig } from "./cell-config.ts";
import type { Links } from "./links.ts";
import { packageVersion } from "./package-info.ts";

/** Of a tree that is shown when a cell comes up; a larger one is asked for. */
export const MAX_SHOWN_ACTORS = 1_000;

export type StatusSources = {
  readonly config: CellConfig;
  readonly links: Links;
  readonly startedAtUnixMs: number;
  readonly bootMs: () => number;
  readonly revision: () => number;
  readonly actors: () => number;
  /** Durable ones in memory. */
  readonly awake: () => number;
  readonly brokerVersion: () => string | undefined;
  readonly coreVersion: () => string | undefined;
  readonly accepting: () => boolean;
  /** What stands against relying on what is known to be revoked. */
  readonly unheard: () => CellError | undefined;
  readonly refusals: () => Readonly<Record<string, number>>;
};

export function nodeStatus(sources: StatusSources): NodeStatus {
  const { config, links } = sources;
  const core = links.core.value;
  const brokerVersion = sources.brokerVersion();
  const sync = brokerSyncOf(config);
  const coreVersion = sources.coreVersion();
  const unheard = sources.unheard();
  return {
    node: config.node,
    cell: config.cell,
    version: packageVersion,
    pid: process.pid,
    startedAtUnixMs: sources.startedAtUnixMs,
    bootMs: sources.bootMs(),
    residentBytes: process.memoryUsage.rss(),
    revision: sources.revision(),
    actors: sources.actors(),
    awake: sources.awake(),
    broker: {
      state: links.broker.value.state,
      url: config.broker.url,
      ...(sync === undefined ? {} : { sync }),
      ...(brokerVersion === undefined ? {} : { version: brokerVersion }),
    },
    core: {
      state: core.state,
      ...(coreVersion === undefined ? {} : { version: coreVersion }),
      ...(core.reason === undefined ? {} : { reason: core.reason }),
    },
    acceptingIntents: sources.accepting(),
    ...(unheard === undefined ? {} : { capabilities: unheard.message }),
    refusals: sources.refusals(),
  };
}
