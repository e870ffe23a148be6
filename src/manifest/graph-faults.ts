// What the fields of a graph cannot say one by one: that its paths hang together,
// and that exactly its actors are placed.
import type { Graph, PlacedGraph, SupervisorSpec } from "./graph.ts";
import { actorsOf } from "./graph-walk.ts";
import { clientKey } from "./holders.ts";
import { RESERVED_NAMES } from "./names.ts";

const MAX_TOLD = 10;

/** The first few faults of a graph whose fields are valid; none: it hangs together. */
export function graphFaults(graph: Graph): readonly string[] {
  const faults: string[] = [];
  const paths = new Set<string>();
  const add = (fault: string) => {
    if (faults.length < MAX_TOLD) faults.push(fault);
  };
  const claim = (path: string) => {
    if (paths.has(path)) add(`the path ${path} stands twice`);
    paths.add(path);
  };
  const below = (supervisor: SupervisorSpec) => {
    for (const child of supervisor.children) {
      claim(child.path);
      const isBelow =
        child.path.lastIndexOf("/") === supervisor.path.length && child.path.startsWith(supervisor.path);
      if (!isBelow) add(`the path ${child.path} is not one below ${supervisor.path}`);
      else if (child.kind === "supervisor") below(child);
    }
    if (supervisor.template !== undefined && supervisor.template.path !== supervisor.path)
      add(`the template of ${supervisor.path} stands at ${supervisor.template.path}`);
  };
  for (const root of graph.roots) {
    claim(root.path);
    if (root.path.includes("/")) add(`the path ${root.path} is not a graph's`);
    if (RESERVED_NAMES.some((name) => name === root.path)) add(`the name ${root.path} is reserved`);
    below(root);
  }
  const clients = new Set<string>();
  for (const { graph: name, name: client } of graph.clients) {
    const key = clientKey(name, client);
    if (clients.has(key)) add(`the client ${client} stands twice in ${name}`);
    clients.add(key);
    if (!graph.roots.some(({ path }) => path === name))
      add(`the client ${client} is of no graph that is here`);
  }
  return faults;
}

export function placementFaults(graph: PlacedGraph): readonly string[] {
  const actors = new Set([...actorsOf(graph)].map(({ path }) => path));
  const missing = [...actors].filter((path) => !Object.hasOwn(graph.placed, path));
  const strange = Object.keys(graph.placed).filter((path) => !actors.has(path));
  return [
    ...missing.slice(0, MAX_TOLD).map((path) => `the actor ${path} is not placed`),
    ...strange.slice(0, MAX_TOLD).map((path) => `${path} is placed and is no actor`),
  ];
}
