// docs/manifest.md from the manifest's JSON Schema: a table of fields for each kind of map.

type Schema = {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly definitions?: Readonly<Record<string, Schema>>;
};

/** Maps in the order in which one meets them, with the heading of each. */
const sections: readonly (readonly [definition: string, heading: string])[] = [
  ["ActorGraph", "The document"],
  ["Graph", "`spec`"],
  ["Supervisor", "A supervisor"],
  ["Actor", "An actor"],
  ["IntentRule", "A rule of `intents`"],
  ["Mailbox", "`mailbox`"],
  ["Placement", "`placement`"],
  ["Grant", "A grant"],
  ["Tools", "`tools`"],
  ["HttpGrant", "A grant of `tools.http`"],
  ["HttpSecret", "`secret` of such a grant"],
  ["FsGrant", "A grant of `tools.fs`"],
  ["ExecGrant", "A grant of `tools.exec`"],
  ["Backoff", "`backoff`"],
  ["Client", "A client"],
];

const example = `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: support }
spec:
  intensity: 3
  period: 5s
  backoff: { initial: 100ms, max: 5s, factor: 2 }
  children:
    - actor: triage
      behaviour: ./desk.ts#triage
      input: { limit: 20 }
      mailbox: { bound: 500, whenFull: refuse }
      intents:
        ticket.open: { payload: { type: object, required: [subject] } }
      grants:
        - { intents: [ticket.route], targets: [support/routing/router] }
    - supervisor: routing
      children:
        - actor: router
          behaviour: ./desk.ts#router
          restart: transient
  clients:
    - name: alice
      grants:
        - { intents: ["ticket.*"], targets: ["support/**"] }
`;

/** The manifest that the reference shows; a test reads it. */
export const referenceExample = example;

/** @param json what manifestJsonSchema returns */
export function manifestReference(json: object): string {
  const root: Schema = json;
  const lines = [
    "# Manifests",
    "",
    "<!-- Made by `npm run generate` from src/manifest/schema.ts; do not edit. -->",
    "",
    "A manifest is YAML 1.2: the supervisor tree of a graph, its actors, and what they and clients may send. A file",
    "holds one or several documents (`---` between them), and `cell0 plan`, `apply` and `diff` take files and",
    "directories (their `.yaml` and `.yml` files). Every mistake is told at once, with its place. Anchors, aliases,",
    "tags and duplicate keys are refused, and so is a field whose mechanism is not built yet.",
    "",
    "For completion in an editor, begin the file with",
    "`# yaml-language-server: $schema=./node_modules/cell0/schema/actor-graph.v1.json`.",
    "",
    "```yaml",
    example.trimEnd(),
    "```",
    "",
    "Names are of `a-z`, `0-9` and `-`. The path of an actor is the names from the graph down, joined by `/`:",
    "`support/routing/router`; at most 8 names. `kernel` is the cell's own graph. Durations are a number and `ms`, `s`,",
    "`m`, `h` or `d`.",
  ];
  for (const [definition, heading] of sections) {
    const schema = root.definitions?.[definition];
    if (schema === undefined) throw new Error(`the JSON Schema defines no ${definition}`);
    lines.push("", `## ${heading}`, "", schema.description ?? "", "", ...table(schema, root, ""));
  }
  return `${lines.join("\n")}\n`;
}

function table(schema: Schema, root: Schema, prefix: string): string[] {
  return ["| field | type | default | meaning |", "| --- | --- | --- | --- |", ...rows(schema, root, prefix)];
}

function rows(schema: Schema, root: Schema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const nested = resolved(field, root);
    const isInline =
      definitionOf(field) === undefined && nested.properties !== undefined && nested.title === undefined;
    if (isInline) return rows(nested, root, `${prefix}${name}.`);
    const required = schema.required?.includes(name) ?? false;
    const cells = [
      `\`${prefix}${name}\``,
      typeOf(field, root),
      required ? "required" : defaultOf(field),
      field.description ?? nested.description ?? "",
    ];
    return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`];
  });
}

function definitionOf(schema: Schema): string | undefined {
  return (schema.$ref ?? schema.allOf?.[0]?.$ref)?.replace("#/definitions/", "");
}

function resolved(schema: Schema, root: Schema): Schema {
  const definition = definitionOf(schema);
  return definition === undefined ? schema : (root.definitions?.[definition] ?? {});
}

function typeOf(schema: Schema, root: Schema): string {
  const definition = definitionOf(schema);
  const section = sections.find(([name]) => name === definition);
  if (section !== undefined) return `[map](#${anchorOf(section[1])})`;
  if (definition !== undefined) return typeOf(resolved(schema, root), root);
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.anyOf !== undefined && schema.title === undefined) {
    return schema.anyOf.map((each) => typeOf(each, root)).join(" or ");
  }
  if (schema.items !== undefined) return `list of ${listed(schema.items, root)}`;
  return `${schema.title ?? schema.type ?? "any"}${rangeOf(schema)}`;
}

/** What a list holds: the sections of its alternatives, or a plain type. */
function listed(items: Schema, root: Schema): string {
  const alternatives = items.anyOf ?? [items];
  return alternatives
    .map((each) => {
      const section = sections.find(([name]) => name === definitionOf(each));
      if (section === undefined) return `${typeOf(each, root)}s`;
      const plural = section[1].replace(/^An? /, "");
      return `[${plural}s](#${anchorOf(section[1])})`;
    })
    .join(" and ");
}

const anchorOf = (heading: string): string => heading.toLowerCase().replaceAll("`", "").replaceAll(" ", "-");

function rangeOf({ minimum, maximum }: Schema): string {
  return minimum === undefined || maximum === undefined ? "" : `, ${minimum} to ${maximum}`;
}

function defaultOf(schema: Schema): string {
  if (schema.default === undefined || JSON.stringify(schema.default) === "{}") return "";
  return JSON.stringify(schema.default) === "[]" ? "none" : `\`${String(schema.default)}\``;
}
