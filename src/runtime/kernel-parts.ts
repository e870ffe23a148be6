// The kernel's actors of a node, each with the ports that it works through.

import { toBinary } from "@bufbuild/protobuf";
import { authority, type KeyRotationPorts } from "../actors/kernel/authority.ts";
import { type CapabilityPorts, capabilities } from "../actors/kernel/capabilities.ts";
import { type DeadLetterPorts, deadletters } from "../actors/kernel/deadletters.ts";
import { type DrillPorts, drill } from "../actors/kernel/drill.ts";
import { type GraphPorts, graph } from "../actors/kernel/graph.ts";
import { link } from "../actors/kernel/link.ts";
import { type RegistryPorts, registry } from "../actors/kernel/registry.ts";
import type { PrincipalRow } from "../actors/kernel/reports.ts";
import { type EventQuery, telemetry } from "../actors/kernel/telemetry.ts";
import { EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { EventFilter } from "../telemetry/event-filter.ts";
import { readEvents } from "../telemetry/read-events.ts";
import { type Links, linkInput } from "./links.ts";
import { CAPABILITIES_ACTOR, GRAPH_ACTOR, kernelPath } from "./node-graph.ts";
import type { KernelPart } from "./start-child.ts";
import { type ToolPartOptions, toolParts } from "./tool-parts.ts";
import type { CellTrust } from "./trust.ts";

export type KernelPartOptions = {
  readonly node: string;
  readonly links: Links;
  readonly trust: CellTrust;
  readonly rotation: KeyRotationPorts;
  readonly registry: RegistryPorts;
  /** Of what only the node that owns shard 0 has; undefined on another. */
  readonly first: { readonly graph: GraphPorts; readonly capabilities: CapabilityPorts } | undefined;
  readonly tools: Omit<ToolPartOptions, "node">;
  readonly deadLetters: DeadLetterPorts;
  /** Of use to a node that has a drill actor. */
  readonly drill: DrillPorts;
  readonly eventsPath: string;
  readonly flushEvents: () => void;
};

export function kernelParts(options: KernelPartOptions): ReadonlyMap<string, KernelPart> {
  const { node, links, trust } = options;
  const authorityPorts = {
    add: (bytes: Uint8Array) => trust.publish(bytes),
    rotation: options.rotation,
    list: () => principals(trust.store),
  };
  const parts = new Map<string, KernelPart>([
    [kernelPath(node, "telemetry"), { behaviour: telemetry, input: { read: eventReader(options) } }],
    [kernelPath(node, "broker-link"), { behaviour: link, input: linkInput(links.broker) }],
    [kernelPath(node, "core-link"), { behaviour: link, input: linkInput(links.core) }],
    [kernelPath(node, "authority"), { behaviour: authority, input: authorityPorts }],
    [kernelPath(node, "registry"), { behaviour: registry, input: options.registry }],
    ...toolParts({ ...options.tools, node }),
    [kernelPath(node, "deadletters"), { behaviour: deadletters, input: options.deadLetters }],
    [kernelPath(node, "drill"), { behaviour: drill, input: options.drill }],
  ]);
  const { first } = options;
  if (first !== undefined) {
    parts.set(GRAPH_ACTOR, { behaviour: graph, input: first.graph });
    parts.set(CAPABILITIES_ACTOR, { behaviour: capabilities, input: first.capabilities });
  }
  return parts;
}

function eventReader({ eventsPath, flushEvents }: KernelPartOptions) {
  return async ({ limit, actor, kinds, rootId, quietKernel }: EventQuery): Promise<readonly Uint8Array[]> => {
    flushEvents();
    const events: Uint8Array[] = [];
    const filter: EventFilter = {
      ...(actor === undefined ? {} : { actor }),
      ...(kinds === undefined ? {} : { kinds }),
      ...(rootId === undefined ? {} : { intent: rootId }),
      quietKernel,
    };
    for await (const event of readEvents({ path: eventsPath, filter, last: limit })) {
      events.push(toBinary(EventSchema, event));
    }
    return events;
  };
}

function principals(store: TrustStore): readonly PrincipalRow[] {
  return store.snapshot(Date.now()).map(({ certificate }) => ({
    principal: certificate.principal,
    kind: certificate.kind,
    generation: certificate.generation,
    keyFingerprint: fingerprintOf(certificate.key),
    ...(certificate.continuity === undefined
      ? {}
      : {
          follows: {
            keyFingerprint: fingerprintOf(certificate.continuity.previousKey),
            preserveUntilUnixMs: certificate.continuity.preserveUntilUnixMs,
          },
        }),
    notAfterUnixMs: certificate.notAfterUnixMs,
    revoked: certificate.revoked,
  }));
}
