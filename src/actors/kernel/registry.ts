// `kernel/<node>/registry`: what runs at this node, and starting and stopping of it.
import { CellError } from "../../errors/cell-error.ts";
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { registryIntents } from "./contract.ts";
import type { ActorReport, NodeStatus, TreeNode } from "./reports.ts";

export type RegistryPorts = {
  readonly tree: () => TreeNode;
  /** Undefined when there is no such path at this node. */
  readonly actor: (path: string) => ActorReport | undefined;
  readonly status: () => NodeStatus;
  /** Throw what the supervisor refuses. */
  readonly stop: (path: string, hold: boolean) => Promise<void>;
  readonly start: (path: string) => Promise<void>;
  readonly restart: (path: string) => Promise<void>;
};

export const registry = serveActor<RegistryPorts, typeof registryIntents>({
  intents: registryIntents,
  handlers: {
    "registry.tree": (_payload, _meta, context) => inChunks(context, context.input.tree()),
    "registry.actor": ({ path }, _meta, context) => inChunks(context, found(context.input, path)),
    "registry.stop": async ({ path, hold }, _meta, { input }) => {
      await input.stop(path, hold);
      return { state: stateOf(input, path) };
    },
    "registry.start": async ({ path }, _meta, { input }) => {
      await input.start(path);
      return { state: stateOf(input, path) };
    },
    "registry.restart": async ({ path }, _meta, { input }) => {
      await input.restart(path);
      return { state: stateOf(input, path) };
    },
    "node.status": (_payload, _meta, context) => inChunks(context, context.input.status()),
  },
});

function found({ actor }: RegistryPorts, path: string): ActorReport {
  const report = actor(path);
  if (report === undefined)
    throw new CellError("ACTOR_NOT_FOUND", "nothing at this node has this path", { where: path });
  return report;
}

const stateOf = (ports: RegistryPorts, path: string): string => found(ports, path).status;
