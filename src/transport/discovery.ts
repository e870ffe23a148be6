// Services as ADR-32 of NATS describes them, so that `nats micro list`, `info`
// and `stats` show what a cell runs: one service a graph on each node, one
// endpoint an actor. Discovery is read-only and says nothing that is secret.

import { perSecond } from "../collections/per-second.ts";
import { MAX_SERVICES } from "./broker/permissions.ts";
import type { BrokerConnection, BrokerSubscription } from "./connection.ts";
import { inboxOwner, isAnswerable } from "./subjects.ts";

export type ServiceEndpoint = {
  /** [A-Za-z0-9_-]; of an actor's path: the tokens after the graph's, joined by `_`. */
  readonly name: string;
  readonly subject: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly stats: EndpointStats;
};

export type EndpointStats = {
  readonly requests: number;
  readonly errors: number;
  /** Sum over all requests. */
  readonly processingTimeNs: number;
  readonly lastError?: string;
};

export type ServiceDescription = {
  /** Name of the graph; [A-Za-z0-9_-]. */
  readonly name: string;
  /** Unique among the instances of the name: the node's. */
  readonly id: string;
  /** Semantic version. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedUnixMs: number;
  readonly endpoints: readonly ServiceEndpoint[];
};

export type DiscoveryOptions = {
  readonly connection: BrokerConnection;
  readonly cell: string;
  /** Asked at each request, so that nothing has to be kept in step. At most 256 are shown. */
  readonly services: () => readonly ServiceDescription[];
};

const NAME = /^[A-Za-z0-9_-]{1,255}$/;
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
/** Endpoints of one service that one answer shows; the answer says how many it leaves out. */
const MAX_ENDPOINTS = 512;
/** Queue group as it is shown; each actor has one place, so there is no group. */
const QUEUE_GROUP = "";

type Verb = "PING" | "INFO" | "STATS";

/** A question is a hundred bytes, its answers are all that runs, and who asks may name another's inbox. */
const QUESTIONS_A_SECOND = { all: 64, each: 16 };

/** Questions beyond 16 a second for one inbox's owner, and 64 in all, are not answered. */
export function serveDiscovery(options: DiscoveryOptions): BrokerSubscription {
  const mayAnswer = perSecond(QUESTIONS_A_SECOND);
  return options.connection.subscribe("$SRV.>", (message) => {
    const { reply } = message;
    if (reply === undefined || !isAnswerable(options.cell, reply)) return;
    if (mayAnswer(inboxOwner(reply), performance.now())) answer(options, message.subject, reply);
  });
}

function answer({ connection, services }: DiscoveryOptions, subject: string, reply: string): void {
  const asked = parseDiscoverySubject(subject);
  if (asked === undefined) return;
  for (const service of services().filter(isShown).slice(0, MAX_SERVICES)) {
    if (asked.name !== undefined && asked.name !== service.name) continue;
    if (asked.id !== undefined && asked.id !== service.id) continue;
    connection.publish(reply, new TextEncoder().encode(JSON.stringify(describe(asked.verb, service))));
  }
}

/** `$SRV.<verb>`, `$SRV.<verb>.<name>` or `$SRV.<verb>.<name>.<id>`. */
export function parseDiscoverySubject(
  subject: string,
): { readonly verb: Verb; readonly name?: string; readonly id?: string } | undefined {
  const [root, verb, name, id, ...rest] = subject.split(".");
  if (root !== "$SRV" || rest.length > 0) return undefined;
  if (verb !== "PING" && verb !== "INFO" && verb !== "STATS") return undefined;
  return { verb, ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { id }) };
}

/** A service whose names break the rules would make stock tools fail for all. */
const isShown = ({ name, id, version }: ServiceDescription): boolean =>
  NAME.test(name) && NAME.test(id) && VERSION.test(version);

function describe(verb: Verb, service: ServiceDescription): object {
  const { name, id, version, description, endpoints } = service;
  const shown = endpoints.filter((endpoint) => NAME.test(endpoint.name)).slice(0, MAX_ENDPOINTS);
  const omitted = endpoints.length - shown.length;
  const metadata = { ...service.metadata, ...(omitted > 0 ? { endpoints_omitted: String(omitted) } : {}) };
  const identity = { type: `io.nats.micro.v1.${verb.toLowerCase()}_response`, name, id, version, metadata };
  if (verb === "PING") return identity;
  if (verb === "INFO") return { ...identity, description, endpoints: shown.map(endpointInfo) };
  return {
    ...identity,
    started: new Date(service.startedUnixMs).toISOString(),
    endpoints: shown.map(endpointStats),
  };
}

const endpointInfo = ({ name, subject, metadata }: ServiceEndpoint): object => ({
  name,
  subject,
  queue_group: QUEUE_GROUP,
  metadata: metadata ?? {},
});

const endpointStats = ({ name, subject, stats }: ServiceEndpoint): object => ({
  name,
  subject,
  queue_group: QUEUE_GROUP,
  num_requests: stats.requests,
  num_errors: stats.errors,
  last_error: stats.lastError ?? "",
  processing_time: Math.round(stats.processingTimeNs),
  average_processing_time: stats.requests === 0 ? 0 : Math.round(stats.processingTimeNs / stats.requests),
});

/** Name of the endpoint that stands for an actor: its path below the graph's name. */
export function endpointName(path: string): string {
  const tokens = path.split("/");
  return (tokens.length > 1 ? tokens.slice(1) : tokens).join("_");
}
