// `kernel/<node>/registry`: what runs at this node, and starting and stopping of it.
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { registryIntents } from "./contract.ts";
import type { ActorReport, KeptReport, NodeStatus, TreeNode } from "./reports.ts";

export type RegistryPorts = {
  readonly tree: () => TreeNode;
  /** Undefined when there is no such path at this node. */
  readonly actor: (path: string) => ActorReport | undefined;
  /** What is kept of a durable actor; undefined for any other. */
  readonly kept: (path: string) => Promise<KeptReport | undefined>;
  readonly status: () => NodeStatus;
  /** Begins to build the node's actor system anew, this actor with it. Throws what stands against it. */
  readonly rebuild: () => void;
  /** Throw what the supervisor refuses. */
  readonly stop: (path: string, hold: boolean) => Promise<void>;
  readonly start: (path: string) => Promise<void>;
  /** @param freshBy who asks that it forgets what it was; undefined: it goes on from there */
  readonly restart: (path: string, freshBy?: string) => Promise<void>;
  /** Starts a child of a dynamic supervisor; null: with its template's input. */
  readonly startChild: (supervisor: string, name: string, input: Json) => Promise<void>;
  readonly stopChild: (path: string) => Promise<void>;
};

export const registry = serveActor<RegistryPorts, typeof registryIntents>({
  intents: registryIntents,
  handlers: {
    "registry.tree": (_payload, _meta, context) => inChunks(context, context.input.tree()),
    "registry.actor": async ({ path }, _meta, context) => {
      const report = found(context.input, path);
      const kept = await context.input.kept(path);
      return inChunks(context, kept === undefined ? report : { ...report, kept });
    },
    "registry.stop": async ({ path, hold }, _meta, { input }) => {
      await input.stop(path, hold);
      return { state: stateOf(input, path) };
    },
    "registry.start": async ({ path }, _meta, { input }) => {
      await input.start(path);
      return { state: stateOf(input, path) };
    },
    "registry.restart": async ({ path, fresh }, meta, { input }) => {
      await input.restart(path, fresh ? meta.principal : undefined);
      return { state: stateOf(input, path) };
    },
    "child.start": async ({ supervisor, name, input }, _meta, { input: ports }) => {
      await ports.startChild(supervisor, name, input);
      const path = `${supervisor}/${name}`;
      return { path, state: stateOf(ports, path) };
    },
    "child.stop": async ({ supervisor, name }, _meta, { input: ports }) => {
      const path = `${supervisor}/${name}`;
      await ports.stopChild(path);
      return { path };
    },
    "node.rebuild": (_payload, _meta, { input }) => {
      input.rebuild();
      return { state: "rebuilding" };
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

/** What was started at run time leaves nothing behind. */
const stateOf = ({ actor }: RegistryPorts, path: string): string => actor(path)?.status ?? "gone";
