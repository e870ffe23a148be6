// The graphs that drills run on, as manifests. Actors are told apart by their paths only:
// all are the same behaviour.
import { modulePath } from "../runtime/package-info.ts";

export type ActorForm = {
  readonly isolation: "shared" | "worker" | "process";
  readonly durable: boolean;
  /** Further fields of the manifest, e.g. limits. */
  readonly fields?: Readonly<Record<string, unknown>>;
};

type Child = Readonly<Record<string, unknown>>;

/** Restarts are never what a drill of one actor runs out of. */
const UNBOUNDED = { intensity: 10_000, period: "5s" } as const;
export const GRAPH = "drill";
export const SIBLINGS: readonly string[] = ["s1", "s2", "s3", "s4"].map((name) => `${GRAPH}/${name}`);

/** @param module file that exports the behaviour `target`; default: the one of this package */
export type GraphMaker = (module?: string) => string;

export const behaviourModule = (): string => modulePath("drill/behaviours/target.ts");

export const targetPath = (at: number): string => `${GRAPH}/t${at}`;

/** So many targets and four siblings, all of one form, under one supervisor. */
export const flatGraph =
  (targets: number, form: ActorForm): GraphMaker =>
  (module) =>
    manifest([...numbered("t", targets, form, module), ...siblings(form, module)], UNBOUNDED);

export const GROUP = `${GRAPH}/group`;
export const memberPath = (at: number): string => `${GROUP}/m${at}`;

export type GroupForm = {
  readonly members: ActorForm;
  /** Of the first member, where it differs: in a process of its own, for instance. */
  readonly first?: ActorForm;
  readonly group: Readonly<Record<string, unknown>>;
};

/** A supervisor with so many actors, and the siblings beside it. */
export const groupGraph =
  (count: number, { members, first = members, group }: GroupForm): GraphMaker =>
  (module) =>
    manifest(
      [
        {
          supervisor: "group",
          ...group,
          children: [actor("m0", first, module), ...numbered("m", count, members, module).slice(1)],
        },
        ...siblings({ isolation: "shared", durable: false }, module),
      ],
      UNBOUNDED,
    );

/** So many actors, the last of them durable: what a whole node is drilled with. */
export const nodeGraph =
  (actors: number, durable: number): GraphMaker =>
  (module) => {
    const volatile = numbered("v", actors - durable, { isolation: "shared", durable: false }, module);
    const kept = numbered("d", durable, { isolation: "shared", durable: true }, module);
    return manifest([...volatile, ...kept], UNBOUNDED);
  };

export const volatilePath = (at: number): string => `${GRAPH}/v${at}`;
export const durablePath = (at: number): string => `${GRAPH}/d${at}`;

const siblings = (form: ActorForm, module: string | undefined): readonly Child[] =>
  SIBLINGS.map((path) => actor(path.slice(GRAPH.length + 1), form, module));

const numbered = (prefix: string, count: number, form: ActorForm, module: string | undefined) =>
  Array.from({ length: count }, (_, at) => actor(`${prefix}${at}`, form, module));

function actor(name: string, { isolation, durable, fields }: ActorForm, module: string | undefined): Child {
  return {
    actor: name,
    behaviour: `${module ?? behaviourModule()}#target`,
    ...(isolation === "shared" ? {} : { isolation }),
    ...(durable ? { durable } : {}),
    ...fields,
  };
}

/** JSON is YAML. */
function manifest(children: readonly Child[], spec: Readonly<Record<string, unknown>>): string {
  const document = {
    apiVersion: "cell0.dev/v1",
    kind: "ActorGraph",
    metadata: { name: GRAPH },
    spec: { ...spec, children },
  };
  return `${JSON.stringify(document)}\n`;
}
