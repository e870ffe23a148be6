// One document -> one graph, or every problem that it has. Children are checked
// one by one and field by field, so that each mistake is told at its own place
// and one does not hide another.
import { dirname } from "node:path";
import { BehaviourFiles, splitBehaviour } from "./behaviour-file.ts";
import { actorOf, type SupervisorParts, supervisorOf } from "./build-spec.ts";
import { folderFaults, toolsOf } from "./build-tools.ts";
import { type CheckedFields, checkFields } from "./check-fields.ts";
import { durabilityProblems } from "./durability.ts";
import { parseDuration } from "./duration.ts";
import type {
  ActorSpec,
  AutoShutdown,
  ChildSpec,
  ClientSpec,
  GrantSpec,
  Json,
  SupervisorSpec,
} from "./graph.ts";
import { isolationProblems } from "./isolation-rules.ts";
import { MAX_PATH_TOKENS, RESERVED_NAMES } from "./names.ts";
import { readPayloadSchema } from "./payload-schema.ts";
import { toMicro } from "./price.ts";
import type { Problem } from "./problem.ts";
import {
  actorSchema,
  clientSchema,
  type ManifestActor,
  type ManifestSupervisor,
  type ManifestTemplate,
  manifestSchema,
  shallowManifestSchema,
  shallowSpecSchema,
  shallowSupervisorSchema,
  supervisorSchema,
  templateSchema,
} from "./schema.ts";
import { nearest } from "./suggest.ts";
import { type FieldProblem, significanceProblems, supervisionProblems } from "./supervision-rules.ts";
import type { ToolsSpec } from "./tools.ts";
import type { NodePath, ProblemText, YamlDocument } from "./yaml-document.ts";

export type ValidDocument = { readonly root: SupervisorSpec; readonly clients: readonly ClientSpec[] };

/** What a document names, valid or not, for rules over several documents. */
export type Outline = {
  /** Undefined when it has no usable name. */
  readonly graph: string | undefined;
  readonly declared: ReadonlyMap<string, "actor" | "supervisor">;
  /** Supervisors whose children are started at run time. */
  readonly dynamic: ReadonlySet<string>;
  readonly grants: readonly { readonly at: NodePath; readonly grant: GrantSpec }[];
};

export type DocumentResult = {
  readonly valid: ValidDocument | undefined;
  readonly outline: Outline;
  readonly problems: readonly Problem[];
};

/** @param file absolute path of the manifest, from which modules are found; undefined for standard input */
export function validateDocument(document: YamlDocument, file: string | undefined): DocumentResult {
  const work = new Work(document, file === undefined ? process.cwd() : dirname(file));
  const valid = work.manifest();
  const { problems, graph, declared, dynamic, grants } = work;
  const outline = { graph, declared, dynamic, grants };
  return { valid: problems.length === 0 ? valid : undefined, outline, problems };
}

/** The supervisor above. */
type Parent = { readonly path: string; readonly autoShutdown: AutoShutdown | undefined };

class Work {
  readonly problems: Problem[] = [];
  readonly declared = new Map<string, "actor" | "supervisor">();
  readonly grants: { readonly at: NodePath; readonly grant: GrantSpec }[] = [];
  /** Supervisors whose children are started at run time. */
  readonly dynamic = new Set<string>();
  graph: string | undefined;
  readonly #document: YamlDocument;
  readonly #directory: string;
  readonly #files: BehaviourFiles;

  constructor(document: YamlDocument, directory: string) {
    this.#document = document;
    this.#directory = directory;
    this.#files = new BehaviourFiles(directory);
  }

  manifest(): ValidDocument | undefined {
    const { value } = this.#document;
    const { found, problems } = checkFields(this.#document, shallowManifestSchema, manifestSchema, value, []);
    this.problems.push(...problems);
    this.graph = found.metadata?.name;
    if (RESERVED_NAMES.some((reserved) => reserved === this.graph)) {
      const text = {
        code: "MANIFEST_RESERVED_NAME",
        message: `\`${this.graph}\` is the cell's own`,
      } as const;
      this.#add(["metadata", "name"], "value", text);
    }
    const name = this.graph ?? "graph";
    this.declared.set(name, "supervisor");
    if (!isMap(found.spec)) return undefined;
    const fields = manifestSchema.shape.spec;
    const spec = checkFields(this.#document, shallowSpecSchema, fields, found.spec, ["spec"]);
    this.problems.push(...spec.problems);
    this.#supervision(spec.found, ["spec"]);
    const parts = this.#parts(spec.found, ["spec"], name);
    const clients = this.#clients(spec.found.clients, name);
    if (spec.whole === undefined) return undefined;
    const flags = { ...spec.whole, restart: "permanent", significant: false } as const;
    return { root: supervisorOf(flags, name, parts), clients };
  }

  /** What stands under a supervisor: its children, or what they are made from. */
  #parts(supervisor: Partial<ManifestSupervisor>, path: NodePath, name: string): SupervisorParts {
    const parent = { path: name, autoShutdown: supervisor.autoShutdown };
    const children = (supervisor.children ?? []).flatMap((child: unknown, index) => {
      const spec = this.#child(child, [...path, "children", index], parent);
      return spec === undefined ? [] : [spec];
    });
    const { template } = supervisor;
    if (template === undefined) return { children };
    this.dynamic.add(name);
    return { children, template: this.#template(template, [...path, "template"], parent) };
  }

  #template(template: unknown, path: NodePath, parent: Parent): ActorSpec | undefined {
    const checked = checkFields(this.#document, templateSchema, templateSchema, template, path);
    this.problems.push(...checked.problems);
    return this.#actorSpec(checked, path, parent.path, parent);
  }

  #child(child: unknown, path: NodePath, parent: Parent): ChildSpec | undefined {
    const keys = isMap(child) ? Object.keys(child) : [];
    const isActor = keys.includes("actor");
    if (isActor !== keys.includes("supervisor")) {
      return isActor ? this.#actor(child, path, parent) : this.#supervisor(child, path, parent);
    }
    const words = keys.map((key) => nearest(key, ["actor", "supervisor"]));
    const suggestion = isActor ? undefined : words.find((word) => word !== undefined);
    this.#add(path, "value", {
      code: "MANIFEST_UNKNOWN_CHILD",
      message: isActor
        ? "a child is an actor or a supervisor, not both"
        : "this child is neither an actor nor a supervisor",
      expected: "`actor: NAME` or `supervisor: NAME`",
      ...(suggestion === undefined ? {} : { suggestion }),
    });
    return undefined;
  }

  #actor(child: unknown, path: NodePath, parent: Parent): ActorSpec | undefined {
    const checked = checkFields(this.#document, actorSchema, actorSchema, child, path);
    this.problems.push(...checked.problems);
    const fullPath = this.#declare("actor", checked.found.actor, path, parent.path);
    return this.#actorSpec(checked, path, fullPath, parent);
  }

  #actorSpec(
    { whole, found }: Pick<CheckedFields<ManifestTemplate>, "whole" | "found">,
    path: NodePath,
    fullPath: string,
    { autoShutdown }: Parent,
  ): ActorSpec | undefined {
    const behaviour = this.#behaviour(found.behaviour, [...path, "behaviour"]);
    const intents = this.#intents(found.intents, [...path, "intents"]);
    this.#notBuilt(found, path);
    this.#problems(path, significanceProblems(found, autoShutdown));
    this.#grants(found.grants, path);
    const tools = this.#tools(found.tools, [...path, "tools"]);
    return whole === undefined || behaviour === undefined
      ? undefined
      : actorOf(whole, fullPath, behaviour, intents, tools);
  }

  #supervisor(child: unknown, path: NodePath, parent: Parent): SupervisorSpec | undefined {
    const checked = checkFields(this.#document, shallowSupervisorSchema, supervisorSchema, child, path);
    const { whole, found, problems } = checked;
    this.problems.push(...problems);
    const fullPath = this.#declare("supervisor", found.supervisor, path, parent.path);
    this.#supervision(found, path);
    this.#problems(path, significanceProblems(found, parent.autoShutdown));
    const parts = this.#parts(found, path, fullPath);
    return whole === undefined ? undefined : supervisorOf(whole, fullPath, parts);
  }

  /** Notes a name and judges its path; told once, where the path first becomes too long. */
  #declare(kind: "actor" | "supervisor", name: string | undefined, path: NodePath, parent: string): string {
    // A child without a usable name is told already, and takes nobody's place.
    if (name === undefined) return `${parent}/?`;
    const fullPath = `${parent}/${name}`;
    if (this.declared.has(fullPath)) {
      const message = `\`${name}\` is the name of another child of ${parent}`;
      this.#add([...path, kind], "value", { code: "MANIFEST_DUPLICATE_NAME", message });
    } else this.declared.set(fullPath, kind);
    const tokens = fullPath.split("/").length;
    if (tokens === MAX_PATH_TOKENS + 1) {
      const message = `the path has ${tokens} tokens, at most ${MAX_PATH_TOKENS} are taken`;
      this.#add([...path, kind], "value", { code: "MANIFEST_PATH_TOO_LONG", message });
    }
    return fullPath;
  }

  #supervision(found: Partial<ManifestSupervisor>, path: NodePath): void {
    this.#problems(path, supervisionProblems(found));
    this.#backoff(found, path);
  }

  #backoff({ backoff }: Pick<Partial<ManifestTemplate>, "backoff">, path: NodePath): void {
    if (backoff === undefined) return;
    if ((parseDuration(backoff.max) ?? 0) < (parseDuration(backoff.initial) ?? 0)) {
      this.#add([...path, "backoff", "max"], "value", {
        code: "MANIFEST_BACKOFF_INVALID",
        message: `the longest delay \`${backoff.max}\` is below the first one \`${backoff.initial}\``,
      });
    }
  }

  #notBuilt(found: Partial<ManifestTemplate>, path: NodePath): void {
    this.#problems(path, [...isolationProblems(found), ...durabilityProblems(found)]);
    this.#backoff(found, path);
  }

  #problems(path: NodePath, problems: readonly FieldProblem[]): void {
    for (const { field, at, text } of problems) this.#add([...path, field], at, text);
  }

  #behaviour(text: string | undefined, path: NodePath): ActorSpec["behaviour"] | undefined {
    const split = text === undefined ? undefined : splitBehaviour(text);
    if (split === undefined) return undefined;
    if (!this.#files.exists(split.module)) {
      const nearby = this.#files.suggestion(split.module);
      this.#add(path, "value", {
        code: "MANIFEST_BEHAVIOUR_NOT_FOUND",
        message: `there is no module at \`${split.module}\``,
        expected: "a path relative to this file",
        ...(nearby === undefined ? {} : { suggestion: `${nearby}#${split.export}` }),
      });
    }
    return { module: this.#files.absolute(split.module), export: split.export };
  }

  #intents(intents: ManifestActor["intents"], path: NodePath): ActorSpec["intents"] {
    if (intents === undefined) return {};
    if (Array.isArray(intents)) return Object.fromEntries(intents.map((type) => [type, {}]));
    const rules = Object.entries(intents).map(([type, rule]) => {
      const costMicro = rule?.cost === undefined ? undefined : toMicro(rule.cost);
      const priced = costMicro === undefined ? {} : { costMicro };
      if (rule?.payload === undefined) return [type, priced] as const;
      // What the document holds is JSON, see plain-data.ts.
      const schema = readPayloadSchema(rule.payload as Json, this.#directory);
      if (schema.ok) return [type, { payload: schema.value, ...priced }] as const;
      const code = "MANIFEST_PAYLOAD_SCHEMA_INVALID";
      this.#add([...path, type, "payload"], "key", {
        code,
        message: `the schema cannot be applied: ${schema.error}`,
      });
      return [type, {}] as const;
    });
    return Object.fromEntries(rules);
  }

  #tools(tools: ManifestActor["tools"], path: NodePath): ToolsSpec | undefined {
    if (tools === undefined) return undefined;
    for (const { index, field, message } of folderFaults(tools.fs, this.#directory)) {
      this.#add([...path, "fs", index, field], "value", { code: "MANIFEST_TOOL_INVALID", message });
    }
    return toolsOf(tools, this.#directory);
  }

  #clients(clients: readonly unknown[] | undefined, graph: string): ClientSpec[] {
    const names = new Set<string>();
    return (clients ?? []).flatMap((client, index) => {
      const path = ["spec", "clients", index];
      const { whole, found, problems } = checkFields(
        this.#document,
        clientSchema,
        clientSchema,
        client,
        path,
      );
      this.problems.push(...problems);
      this.#grants(found.grants, path);
      const { name } = found;
      if (name !== undefined && names.has(name)) {
        const message = `the client \`${name}\` stands here already`;
        this.#add([...path, "name"], "value", { code: "MANIFEST_DUPLICATE_NAME", message });
      }
      if (name !== undefined) names.add(name);
      return whole === undefined ? [] : [{ graph, ...whole }];
    });
  }

  #grants(grants: readonly GrantSpec[] | undefined, path: NodePath): void {
    for (const [index, grant] of (grants ?? []).entries()) {
      this.grants.push({ at: [...path, "grants", index], grant });
    }
  }

  #add(path: NodePath, at: "key" | "value", text: ProblemText): void {
    this.problems.push(this.#document.problem(path, at, text));
  }
}

const isMap = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
