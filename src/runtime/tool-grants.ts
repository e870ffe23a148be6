// What the graph in force says of tools: who may do what with them, the capability
// to ask that follows from it, and which actors stand behind the aliases.
import type { GrantedTools } from "../actors/kernel/tools/tool-call.ts";
import { TOOL_TARGETS } from "../actors/kernel/tools/requests.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { actorsOf } from "../manifest/graph-walk.ts";
import type { ToolsSpec } from "../manifest/tools.ts";
import type { Grant } from "../security/grants/grants.ts";

/** Kernel actors that are tools, each at `kernel/<node>/<name>`. */
export const TOOL_ACTORS = ["http", "fs", "exec"] as const;
export type ToolActor = (typeof TOOL_ACTORS)[number];

const INTENTS = {
  http: ["http.fetch"],
  fs: ["fs.read", "fs.list", "fs.write"],
  exec: ["exec"],
} as const satisfies Record<ToolActor, readonly string[]>;

/** `kernel/http` stands for the tool of the sender's own node; other paths for themselves. */
export function toolTarget(target: string, node: string): string {
  const actor = TOOL_ACTORS.find((each) => TOOL_TARGETS[each] === target);
  return actor === undefined ? target : `kernel/${node}/${actor}`;
}

/** Who has a tool may ask for it, at its own node, without a further grant. */
export function toolCapabilities(tools: ToolsSpec | undefined, node: string | undefined): readonly Grant[] {
  if (tools === undefined || node === undefined) return [];
  return TOOL_ACTORS.flatMap((actor) =>
    tools[actor].length === 0 ? [] : [{ intents: INTENTS[actor], targets: [`kernel/${node}/${actor}`] }],
  );
}

/** Answers from a map made once a revision. */
export function grantedTools(placed: () => PlacedGraph, node: string): (actor: string) => GrantedTools {
  let graph: PlacedGraph | undefined;
  let tools = new Map<string, ToolsSpec>();
  return (actor) => {
    const current = placed();
    if (graph !== current) {
      graph = current;
      tools = new Map([...actorsOf(current)].flatMap((spec) => (spec.tools ? [[spec.path, spec.tools]] : [])));
    }
    if (current.placed[actor]?.node !== node) return "elsewhere";
    return tools.get(actor) ?? "nothing";
  };
}
