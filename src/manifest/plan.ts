// What has to change to get from one graph to another, with the fewest restarts.
// Pure; executed elsewhere.
import { same } from "./canonical.ts";
import type { ActorSpec, ChildSpec, GrantSpec, PlacedGraph, SupervisorSpec } from "./graph.ts";
import { specsOf } from "./graph-walk.ts";
import { clientKey, mintingOf } from "./holders.ts";
import { toolLines } from "./tool-text.ts";

export type FieldChange = { readonly field: string; readonly old?: unknown; readonly new?: unknown };

export type Change = {
  readonly path: string;
  readonly kind: "added" | "changed" | "removed" | "moved";
  /** Whether the actor gets a new run. */
  readonly restarts: boolean;
  /** Why, when it restarts. */
  readonly reason: string;
  readonly fields: readonly FieldChange[];
};

export type Plan = {
  /** In order of execution: removals in reverse start order, changes and additions in start order. */
  readonly changes: readonly Change[];
  /** Paths of actors that need a new run. */
  readonly restarts: ReadonlySet<string>;
};

/** Fields of an actor that its running machine depends on; all others change in place. */
const RESTARTING = [
  "behaviour",
  "code",
  "input",
  "isolation",
  "limits",
  "sandbox",
  "durable",
  "shard",
] as const;

const EMPTY: PlacedGraph = { roots: [], clients: [], placed: {} };

export function planGraph(current: PlacedGraph | undefined, next: PlacedGraph): Plan {
  const before = current ?? EMPTY;
  if (before === next) return { changes: [], restarts: new Set() };
  const old = new Map([...specsOf(before)].map((spec) => [spec.path, spec]));
  const wanted = new Map([...specsOf(next)].map((spec) => [spec.path, spec]));
  const changes: Change[] = [];
  for (const spec of [...old.values()].reverse()) {
    const now = wanted.get(spec.path);
    if (now === undefined || now.kind !== spec.kind) changes.push(simple(spec.path, "removed"));
  }
  for (const spec of wanted.values()) {
    const was = old.get(spec.path);
    const change =
      was === undefined || was.kind !== spec.kind ? added(spec) : changeOf(was, spec, before, next);
    if (change !== undefined) changes.push(change);
  }
  changes.push(...reordered(before, next), ...clientChanges(before, next));
  const restarts = new Set(changes.filter((change) => change.restarts).map(({ path }) => path));
  return { changes, restarts };
}

const simple = (path: string, kind: "added" | "removed"): Change => ({
  path,
  kind,
  restarts: false,
  reason: "",
  fields: [],
});

/** What a new actor may do is told before it does it. */
const added = (spec: ChildSpec): Change => ({
  ...simple(spec.path, "added"),
  fields: authorityChanges(undefined, spec),
});

/** One change a grant, so that none hides in another's line. */
function authorityChanges(was: ChildSpec | undefined, now: ChildSpec): FieldChange[] {
  const [old, present] = [was && actorIn(was), actorIn(now)];
  return [
    ...grantChanges(old?.grants, present?.grants),
    ...lineChanges("tools", toolLines(old?.tools), toolLines(present?.tools)),
  ];
}

function lineChanges(field: string, old: readonly string[], now: readonly string[]): FieldChange[] {
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => ({ field, old: line })),
    ...now.filter((line) => !old.includes(line)).map((line) => ({ field, new: line })),
  ];
}

function grantChanges(old: readonly GrantSpec[] = [], now: readonly GrantSpec[] = []): FieldChange[] {
  const changes = lineChanges("grants", grantLines(old), grantLines(now));
  // Their order says nothing, and is kept.
  return changes.length > 0 || same(old, now) ? changes : [{ field: "grants", old, new: now }];
}

const grantLines = (grants: readonly GrantSpec[]): readonly string[] =>
  grants.map(({ intents, targets }) => `${intents.join(", ")} to ${targets.join(", ")}`);

/** The actor, or what the children of a dynamic supervisor are made from. */
const actorIn = (spec: ChildSpec): ActorSpec | undefined => (spec.kind === "actor" ? spec : spec.template);

/** What was revoked, or was and is granted again. */
function capabilityChanges(key: string, before: PlacedGraph, next: PlacedGraph): FieldChange[] {
  const [old, now] = [mintingOf(before, key), mintingOf(next, key)];
  if (now.generation > old.generation) return [{ field: "capability", old: "revoked", new: "granted again" }];
  return old.revoked === now.revoked ? [] : [{ field: "capability", old: "granted", new: "revoked" }];
}

function changeOf(
  was: ChildSpec,
  now: ChildSpec,
  before: PlacedGraph,
  next: PlacedGraph,
): Change | undefined {
  const capability = capabilityChanges(now.path, before, next);
  const isPlacedAlike = before.placed[was.path] === next.placed[now.path];
  if (was === now && isPlacedAlike && capability.length === 0) return undefined;
  const fields = [
    ...differences(fieldsOf(was, before), fieldsOf(now, next)),
    ...authorityChanges(was, now),
    ...capability,
  ];
  if (fields.length === 0) return undefined;
  const moved = fields.some(({ field }) => field === "node");
  const causes = fields
    .map(({ field }) => field)
    .filter((field) => RESTARTING.some((each) => each === field));
  const restarts = moved || causes.length > 0;
  const reason = moved
    ? "it moves to another node"
    : causes.map((field) => `${REASONS[field] ?? field}`).join(", ");
  return { path: now.path, kind: moved ? "moved" : "changed", restarts, reason, fields };
}

const REASONS: Readonly<Record<string, string>> = {
  behaviour: "its behaviour is another one",
  code: "its code has changed",
  input: "its input has changed",
  isolation: "its isolation has changed",
  limits: "its limits have changed",
  sandbox: "its sandbox has changed",
  durable: "its durability has changed",
  shard: "it moves to another shard",
};

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(spec: ChildSpec, graph: PlacedGraph): Fields {
  return spec.kind === "actor" ? actorFields(spec, graph) : supervisorFields(spec, graph);
}

function actorFields(spec: ActorSpec, graph: PlacedGraph): Fields {
  const { kind: _kind, path, behaviour, placement, mailbox, tools: _tools, grants: _grants, ...rest } = spec;
  const placed = graph.placed[path];
  return {
    ...rest,
    behaviour: `${behaviour.module}#${behaviour.export}`,
    code: placed?.codeHash,
    node: placed?.node,
    shard: placed?.shard,
    "placement.node": placement.node,
    "mailbox.bound": mailbox.bound,
    "mailbox.whenFull": mailbox.whenFull,
  };
}

function supervisorFields(spec: SupervisorSpec, graph: PlacedGraph): Fields {
  const { strategy, intensity, periodMs, backoff, restart, autoShutdown, significant, template } = spec;
  const flags = { strategy, intensity, periodMs, backoff, restart, autoShutdown, significant };
  if (template === undefined) return flags;
  // Children that run go on as they are: a template is for those that are started from now on.
  const placed = graph.placed[spec.path];
  const { path: _path, kind: _kind, tools: _tools, grants: _grants, ...made } = template;
  return {
    ...flags,
    template: made,
    "template.code": placed?.codeHash,
    node: placed?.node,
    shard: placed?.shard,
  };
}

function differences(old: Fields, now: Fields): FieldChange[] {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].flatMap((field) =>
    same(old[field], now[field])
      ? []
      : [{ field, old: shown(field, old[field]), new: shown(field, now[field]) }],
  );
}

/** A hash by its beginning, which is enough to be told from another. */
const shown = (field: string, value: unknown): unknown =>
  (field === "code" || field === "template.code") && typeof value === "string" ? value.slice(0, 12) : value;

/** Start orders that differ among children that stay: they change the next start and stop, and restart nothing. */
function reordered(before: PlacedGraph, next: PlacedGraph): Change[] {
  const orders = new Map(ordersOf(before));
  return ordersOf(next).flatMap(([path, order]) => {
    const was = orders.get(path);
    if (was === undefined) return [];
    const [there, stays] = [new Set(was), new Set(order)];
    const common = order.filter((child) => there.has(child));
    const old = was.filter((child) => stays.has(child));
    if (same(common, old)) return [];
    const fields = [{ field: "start order", old, new: common }];
    return [{ path, kind: "changed" as const, restarts: false, reason: "", fields }];
  });
}

function ordersOf(graph: PlacedGraph): (readonly [string, readonly string[]])[] {
  const supervisors = [...specsOf(graph)].flatMap((spec) => (spec.kind === "supervisor" ? [spec] : []));
  return supervisors.map(({ path, children }) => [path, children.map((child) => child.path)] as const);
}

function clientChanges(before: PlacedGraph, next: PlacedGraph): Change[] {
  const byKey = ({ clients }: PlacedGraph) =>
    new Map(clients.map((client) => [clientKey(client.graph, client.name), client]));
  const [old, now] = [byKey(before), byKey(next)];
  const removed = [...old.keys()].filter((path) => !now.has(path)).map((path) => simple(path, "removed"));
  const rest = [...now].flatMap(([path, { grants }]): Change[] => {
    const was = old.get(path);
    const changes = grantChanges(was?.grants, grants);
    if (was === undefined) return [{ ...simple(path, "added"), fields: changes }];
    const fields = [...changes, ...capabilityChanges(path, before, next)];
    return fields.length === 0 ? [] : [{ path, kind: "changed", restarts: false, reason: "", fields }];
  });
  return [...removed, ...rest];
}
