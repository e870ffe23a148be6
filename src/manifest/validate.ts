// One document -> one graph, or every problem that it has. Children are checked
// one by one, so that each mistake is told at its own place.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { parseDuration } from "./duration.ts";
import { fieldProblems } from "./field-problems.ts";
import type { ActorSpec, Backoff, ChildSpec, ClientSpec, Json, SupervisorSpec } from "./graph.ts";
import { splitBehaviour } from "./graph-schema.ts";
import { MAX_PATH_TOKENS, RESERVED_NAMES } from "./names.ts";
import type { Problem } from "./problem.ts";
import {
  actorSchema,
  type ManifestActor,
  type ManifestSupervisor,
  manifestSchema,
  type ShallowManifest,
  shallowManifestSchema,
  shallowSupervisorSchema,
  supervisorSchema,
} from "./schema.ts";
import { fieldsAt } from "./schema-fields.ts";
import { nearest } from "./suggest.ts";
import type { NodePath, ProblemText, YamlDocument } from "./yaml-document.ts";

export type ValidDocument = {
  readonly root: SupervisorSpec;
  readonly clients: readonly ClientSpec[];
  /** Where a path of the graph stands in the document, for rules over several documents. */
  readonly places: ReadonlyMap<string, NodePath>;
};

export type DocumentResult = {
  readonly valid: ValidDocument | undefined;
  readonly problems: readonly Problem[];
};

/** @param file absolute path of the manifest, from which modules are found; undefined for standard input */
export function validateDocument(document: YamlDocument, file: string | undefined): DocumentResult {
  const work = new Work(document, file === undefined ? process.cwd() : dirname(file));
  const valid = work.manifest();
  return { valid: work.problems.length === 0 ? valid : undefined, problems: work.problems };
}

class Work {
  readonly problems: Problem[] = [];
  readonly #document: YamlDocument;
  readonly #directory: string;
  readonly #places = new Map<string, NodePath>();

  constructor(document: YamlDocument, directory: string) {
    this.#document = document;
    this.#directory = directory;
  }

  manifest(): ValidDocument | undefined {
    const { value } = this.#document;
    const checked = shallowManifestSchema.safeParse(value);
    if (!checked.success) {
      const fields = (path: NodePath) => fieldsAt(manifestSchema, path);
      this.problems.push(...fieldProblems(this.#document, [], checked.error.issues, fields));
    }
    const manifest = checked.success ? checked.data : undefined;
    const name = manifest?.metadata.name ?? "graph";
    if (RESERVED_NAMES.some((reserved) => reserved === name)) {
      this.#add(["metadata", "name"], "value", reservedName(name));
    }
    const children = this.#children(childrenOf(value), ["spec", "children"], name);
    if (manifest === undefined) return undefined;
    const { spec } = manifest;
    this.#supervision(spec, ["spec"]);
    this.#places.set(name, ["metadata", "name"]);
    const root = supervisorOf({ ...spec, restart: "permanent" }, name, children);
    return { root, clients: this.#clients(spec, name), places: this.#places };
  }

  #children(children: unknown, path: NodePath, parent: string): ChildSpec[] {
    if (!Array.isArray(children)) return [];
    const names = new Set<string>();
    return children.flatMap((child: unknown, index) => {
      const spec = this.#child(child, [...path, index], parent);
      if (spec === undefined) return [];
      if (names.has(spec.path)) {
        const what = spec.path.slice(parent.length + 1);
        this.#add([...path, index, spec.kind], "value", {
          code: "MANIFEST_DUPLICATE_NAME",
          message: `\`${what}\` is the name of another child of ${parent}`,
        });
      }
      names.add(spec.path);
      this.#places.set(spec.path, [...path, index]);
      return [spec];
    });
  }

  #child(child: unknown, path: NodePath, parent: string): ChildSpec | undefined {
    const keys = typeof child === "object" && child !== null ? Object.keys(child) : [];
    const isActor = keys.includes("actor");
    if (isActor === keys.includes("supervisor")) {
      const suggestion = keys
        .map((key) => nearest(key, ["actor", "supervisor"]))
        .find((word) => word !== undefined);
      this.#add(path, "value", {
        code: "MANIFEST_UNKNOWN_CHILD",
        message: isActor
          ? "a child is an actor or a supervisor, not both"
          : "this child is neither an actor nor a supervisor",
        expected: "`actor: NAME` or `supervisor: NAME`",
        ...(suggestion === undefined || isActor ? {} : { suggestion }),
      });
      return undefined;
    }
    return isActor ? this.#actor(child, path, parent) : this.#supervisor(child, path, parent);
  }

  #actor(child: unknown, path: NodePath, parent: string): ActorSpec | undefined {
    const actor = this.#checked(actorSchema, actorSchema, child, path);
    if (actor === undefined) return undefined;
    const fullPath = `${parent}/${actor.actor}`;
    this.#length(fullPath, [...path, "actor"]);
    const behaviour = this.#behaviour(actor.behaviour, [...path, "behaviour"]);
    this.#notBuilt(actor, path);
    return actorOf(actor, fullPath, behaviour);
  }

  #supervisor(child: unknown, path: NodePath, parent: string): SupervisorSpec | undefined {
    const supervisor = this.#checked(shallowSupervisorSchema, supervisorSchema, child, path);
    const name = supervisor?.supervisor ?? String(Reflect.get(Object(child), "supervisor"));
    const fullPath = `${parent}/${name}`;
    if (fullPath.split("/").length >= MAX_PATH_TOKENS) this.#length(`${fullPath}/x`, [...path, "supervisor"]);
    const children = this.#children(childrenOf({ spec: child }), [...path, "children"], fullPath);
    if (supervisor === undefined) return undefined;
    this.#supervision(supervisor, path);
    return supervisorOf(supervisor, fullPath, children);
  }

  #checked<T extends z.ZodType>(
    schema: T,
    whole: z.ZodType,
    value: unknown,
    path: NodePath,
  ): z.output<T> | undefined {
    const checked = schema.safeParse(value);
    if (checked.success) return checked.data;
    const fields = (at: NodePath) => fieldsAt(whole, at);
    this.problems.push(...fieldProblems(this.#document, path, checked.error.issues, fields));
    return undefined;
  }

  #supervision(
    { strategy, backoff }: Pick<ManifestSupervisor, "strategy" | "backoff">,
    path: NodePath,
  ): void {
    if (strategy !== "one_for_one") {
      this.#add([...path, "strategy"], "value", notBuilt(`the strategy \`${strategy}\``));
    }
    if ((parseDuration(backoff.max) ?? 0) < (parseDuration(backoff.initial) ?? 0)) {
      this.#add([...path, "backoff", "max"], "value", {
        code: "MANIFEST_BACKOFF_INVALID",
        message: `the longest delay \`${backoff.max}\` is below the first one \`${backoff.initial}\``,
      });
    }
  }

  #notBuilt(actor: ManifestActor, path: NodePath): void {
    if (actor.isolation !== "shared") {
      this.#add([...path, "isolation"], "value", notBuilt(`the isolation \`${actor.isolation}\``));
    }
    if (actor.durable) this.#add([...path, "durable"], "value", notBuilt("a durable actor"));
    if (actor.limits !== undefined) this.#add([...path, "limits"], "key", notBuilt("a limit"));
  }

  #behaviour(text: string, path: NodePath): ActorSpec["behaviour"] {
    const { module = "", export: exported = "" } = splitBehaviour(text) ?? {};
    const absolute = resolve(this.#directory, module);
    if (!existsSync(absolute)) {
      this.#add(path, "value", {
        code: "MANIFEST_BEHAVIOUR_NOT_FOUND",
        message: `there is no module at \`${module}\``,
        expected: "a path relative to this file",
      });
    }
    return { module: absolute, export: exported };
  }

  #clients({ clients }: ShallowManifest["spec"], graph: string): ClientSpec[] {
    const names = new Set<string>();
    return clients.map(({ name, grants }, index) => {
      if (names.has(name)) {
        this.#add(["spec", "clients", index, "name"], "value", {
          code: "MANIFEST_DUPLICATE_NAME",
          message: `the client \`${name}\` stands here already`,
        });
      }
      names.add(name);
      return { graph, name, grants };
    });
  }

  #length(path: string, at: NodePath): void {
    const tokens = path.split("/").length;
    if (tokens <= MAX_PATH_TOKENS) return;
    const message = `the path has ${tokens} tokens, at most ${MAX_PATH_TOKENS} are taken`;
    this.#add(at, "value", { code: "MANIFEST_PATH_TOO_LONG", message });
  }

  #add(path: NodePath, at: "key" | "value", text: ProblemText): void {
    this.problems.push(this.#document.problem(path, at, text));
  }
}

function childrenOf(manifest: unknown): unknown {
  const spec: unknown = Reflect.get(Object(manifest), "spec");
  return Reflect.get(Object(spec), "children");
}

function reservedName(name: string): ProblemText {
  return { code: "MANIFEST_RESERVED_NAME", message: `\`${name}\` is the cell's own` };
}

const notBuilt = (what: string): ProblemText => ({
  code: "MANIFEST_NOT_BUILT_YET",
  message: `${what} is not built yet`,
});

const ms = (duration: string): number => parseDuration(duration) ?? 0;

function backoffOf({ initial, max, factor }: ManifestSupervisor["backoff"]): Backoff {
  return { initialMs: ms(initial), maxMs: ms(max), factor };
}

function supervisorOf(
  { strategy, intensity, period, backoff, restart }: Omit<ManifestSupervisor, "supervisor" | "children">,
  path: string,
  children: readonly ChildSpec[],
): SupervisorSpec {
  const flags = { strategy, intensity, periodMs: ms(period), backoff: backoffOf(backoff), restart };
  return { kind: "supervisor", path, ...flags, children };
}

function actorOf(actor: ManifestActor, path: string, behaviour: ActorSpec["behaviour"]): ActorSpec {
  const { restart, isolation, durable, mailbox, grants } = actor;
  const { node } = actor.placement;
  return {
    kind: "actor",
    path,
    behaviour,
    input: (actor.input ?? null) as Json,
    restart,
    shutdownMs: ms(actor.shutdown),
    isolation,
    durable,
    mailbox,
    intents: intentsOf(actor.intents),
    grants,
    placement: node === undefined ? {} : { node },
  };
}

function intentsOf(intents: ManifestActor["intents"]): ActorSpec["intents"] {
  if (intents === undefined) return {};
  if (Array.isArray(intents)) return Object.fromEntries(intents.map((type) => [type, {}]));
  const rules = Object.entries(intents).map(([type, { payload }]) => {
    // A JSON Schema is JSON; zod's type of JSON is mutable, ours is not.
    return [type, payload === undefined ? {} : { payload: payload as Json }] as const;
  });
  return Object.fromEntries(rules);
}
