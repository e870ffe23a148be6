// What the graph in force says of tools: who may do what with them, the capability
// to ask that follows from it, and which actors stand behind the aliases.
import type { OutgoingIntent } from "../actors/intent.ts";
import { askedOf } from "../actors/kernel/tools/asked.ts";
import { TOOL_TARGETS } from "../actors/kernel/tools/requests.ts";
import { type GrantedTools, notGranted } from "../actors/kernel/tools/tool-call.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { actorsOf, parentPath, placeOf } from "../manifest/graph-walk.ts";
import type { ToolsSpec } from "../manifest/tools.ts";
import type { Grant } from "../security/grants/grants.ts";
import type { EventInput } from "../telemetry/event.ts";

/** Kernel actors that are tools, each at `kernel/<node>/<name>`. */
export const TOOL_ACTORS = ["http", "fs", "exec"] as const;

const INTENTS: Readonly<Record<(typeof TOOL_ACTORS)[number], readonly string[]>> = {
  http: ["http.fetch"],
  fs: ["fs.read", "fs.list", "fs.write"],
  exec: ["exec"],
};

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

const BY_AUTHORITY: ReadonlySet<string> = new Set([
  "AUTHORITY_INTENT_FORBIDDEN",
  "CAPABILITY_REVOKED",
  "CAPABILITY_EPOCH_STALE",
  "CAPABILITY_REVOCATIONS_UNHEARD",
]);

/**
 * Who has no grant of a tool at all is stopped before it hears of the request; the answer and
 * the record are those that the tool itself would give. Undefined: it was refused for
 * something else, or asked for no tool.
 */
export function toolRefusal(
  actor: string,
  { target, intent, payload, capability, cause }: OutgoingIntent,
  error: CellError,
  node: string,
): { readonly error: CellError; readonly event: EventInput } | undefined {
  // What rests on a token is refused for what that says, and not for want of a grant.
  if (capability !== undefined || !BY_AUTHORITY.has(error.code)) return undefined;
  const tool = TOOL_ACTORS.find((each) => target === `kernel/${node}/${each}`);
  if (tool === undefined || !INTENTS[tool].some((each) => each === intent)) return undefined;
  // Of what was revoked its own code says more.
  const refusal =
    error.code === "AUTHORITY_INTENT_FORBIDDEN"
      ? notGranted(actor, `the actor has no grant of ${tool}`, `${tool}: [...]`)
      : error;
  const { code, message, remedy, retryable } = refusal;
  const value = {
    tool: intent,
    asked: askedOf(intent, payload),
    error: { code, message, remedy, retryable },
  };
  return { error: refusal, event: { actor, intent: cause, kind: { case: "toolRefused", value } } };
}

/** Answers from a map made once a revision. */
export function grantedTools(placed: () => PlacedGraph, node: string): (actor: string) => GrantedTools {
  let graph: PlacedGraph | undefined;
  let tools = new Map<string, ToolsSpec>();
  return (actor) => {
    const current = placed();
    if (graph !== current) {
      graph = current;
      tools = new Map(
        [...actorsOf(current)].flatMap((spec) => (spec.tools ? [[spec.path, spec.tools]] : [])),
      );
    }
    if (placeOf(current, actor)?.node !== node) return "elsewhere";
    // Children that were started at run time have the tools of their template.
    return tools.get(actor) ?? tools.get(parentPath(actor)) ?? "nothing";
  };
}
