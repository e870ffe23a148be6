// Which subjects a node hears intents on. The owner of shard 0 hears all, so
// that a target that nobody has is answered; the others hear those of their own
// actors. Follows the graph and the shard map as they change.
import type { PlacedGraph } from "../manifest/graph.ts";
import type { Intake } from "../transport/intake.ts";
import { actorIntents, allIntents } from "../transport/subjects.ts";
import type { Watched } from "./links.ts";
import { kernelPath, NODE_ACTORS } from "./node-graph.ts";

export type SubjectOptions = {
  readonly intents: Intake;
  readonly cell: string;
  readonly node: string;
  readonly placed: Watched<PlacedGraph>;
  readonly firstNode: () => string | undefined;
};

export function followSubjects(options: SubjectOptions): void {
  const update = () => {
    const wanted = new Set(subjectsOf(options));
    for (const subject of options.intents.subjects())
      if (!wanted.has(subject)) options.intents.remove(subject);
    for (const subject of wanted) options.intents.add(subject);
  };
  update();
  options.placed.follow(update);
}

export function subjectsOf({
  cell,
  node,
  placed,
  firstNode,
}: Omit<SubjectOptions, "intents">): readonly string[] {
  if (firstNode() === node) return [allIntents(cell)];
  const own = Object.entries(placed.value.placed).flatMap(([path, at]) => (at.node === node ? [path] : []));
  const kernel = NODE_ACTORS.map((actor) => kernelPath(node, actor));
  return [...kernel, ...own].map((path) => actorIntents(cell, path));
}
