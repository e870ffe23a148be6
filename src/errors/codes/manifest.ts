import { defineErrors } from "../error-definition.ts";

const edit = "Mend the place that is underlined; docs/manifest.md lists every field.";

/** Manifests: each mistake is told with file, line and column. */
export const manifestErrors = defineErrors({
  MANIFEST_NOT_FOUND: {
    title: "no manifest here",
    cause: "The file or directory does not exist, cannot be read, or holds no .yaml or .yml file.",
    remedy: "Check the path; `cell0 init DIR` makes a first manifest.",
    retry: "never",
  },
  MANIFEST_TOO_LARGE: {
    title: "the manifest is too large",
    cause: "A file exceeds 4 MiB, or all files together hold more than 100,000 actors or 256 documents.",
    remedy: "Split it into several graphs, applied one by one.",
    retry: "never",
  },
  MANIFEST_SYNTAX: {
    title: "this is not YAML",
    cause: "The text cannot be parsed, e.g. because of a tab or an unclosed quote.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_DUPLICATE_KEY: {
    title: "a key stands twice",
    cause: "The same key is given twice in one map; one of them would be lost.",
    remedy: "Remove one of them.",
    retry: "never",
  },
  MANIFEST_ALIAS: {
    title: "anchors, aliases and tags are not taken",
    cause: "A few bytes of them can stand for gigabytes, or for types that are not data.",
    remedy: "Write the value out.",
    retry: "never",
  },
  MANIFEST_TOO_DEEP: {
    title: "the document is nested too deeply",
    cause: "Values are nested more than 64 levels deep.",
    remedy: "Flatten it.",
    retry: "never",
  },
  MANIFEST_UNKNOWN_FIELD: {
    title: "no such field",
    cause: "A field is misspelt, or stands at the wrong level.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_MISSING_FIELD: {
    title: "a field is missing",
    cause: "A field that has no default was left out.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_INVALID_VALUE: {
    title: "the value does not fit",
    cause: "It is of the wrong type or form, or out of bounds.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_UNKNOWN_CHILD: {
    title: "a child is neither an actor nor a supervisor",
    cause: "It has neither a field `actor` nor a field `supervisor`, or both.",
    remedy: "Begin it with `- actor: NAME` or `- supervisor: NAME`.",
    retry: "never",
  },
  MANIFEST_DUPLICATE_NAME: {
    title: "a name is taken already",
    cause: "Two graphs, two children of one supervisor, or two clients share a name.",
    remedy: "Rename one of them.",
    retry: "never",
  },
  MANIFEST_RESERVED_NAME: {
    title: "the name is the cell's own",
    cause: "`kernel` is where the cell's own actors live.",
    remedy: "Choose another name.",
    retry: "never",
  },
  MANIFEST_PATH_TOO_LONG: {
    title: "the path has too many tokens",
    cause: "A path has at most 8 tokens, the graph's name included.",
    remedy: "Nest fewer supervisors.",
    retry: "never",
  },
  MANIFEST_BEHAVIOUR_NOT_FOUND: {
    title: "the behaviour's module is not there",
    cause: "The path is relative to the manifest, and no file lies there.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_GRANT_UNREACHABLE: {
    title: "a grant names an actor that is not there",
    cause: "Its target lies in a graph that is stated here, and that graph has no such actor.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_BACKOFF_INVALID: {
    title: "the backoff contradicts itself",
    cause: "`max` is below `initial`.",
    remedy: edit,
    retry: "never",
  },
  MANIFEST_PAYLOAD_SCHEMA_INVALID: {
    title: "the payload's schema cannot be applied",
    cause: "It is not a JSON Schema, uses a keyword that is not supported, or its file cannot be read.",
    remedy: "Mend the schema; conditionals and references to other files are not supported.",
    retry: "never",
  },
  MANIFEST_TOO_MANY_PROBLEMS: {
    title: "there are more problems than are shown",
    cause: "The file is probably not a manifest, or one mistake repeats.",
    remedy: "Mend those that are shown, then try again.",
    retry: "never",
  },
  MANIFEST_NOT_BUILT_YET: {
    title: "this is not built yet",
    cause:
      "The field is known, but its mechanism does not exist in this version; it is refused rather than ignored.",
    remedy: "Leave it out for now.",
    retry: "never",
  },
  MANIFEST_GRAPH_INVALID: {
    title: "the graph is not valid",
    cause: "A graph that came over the wire is not what this version makes of a manifest.",
    remedy: "Use the same version of `cell0` on both sides.",
    retry: "never",
  },
  MANIFEST_NODE_UNKNOWN: {
    title: "no such node",
    cause: "`placement.node` names a node that the cell has no certificate of.",
    remedy: "List the nodes with `cell0 get nodes`.",
    retry: "never",
  },
  MANIFEST_NODE_WITHOUT_SHARDS: {
    title: "the node owns no shard",
    cause: "Every shard of its certificate belongs to a node certified later.",
    remedy: "Give it shards with `cell0 node add NAME --shards FIRST-LAST`.",
    retry: "never",
  },
  MANIFEST_SYNC_NOT_OFFERED: {
    title: "the cell's broker does not offer what the actor demands of its disk",
    cause:
      "The actor says `sync: always`, and a power loss may take what this cell's broker has acknowledged.",
    remedy: "Start the node that runs the broker with `cell0 up --broker-sync always`, or leave `sync` out.",
    retry: "never",
  },
  MANIFEST_TOOL_INVALID: {
    title: "a grant of a tool cannot be used",
    cause: "Two folders of an actor have one name, or a folder's path gives none.",
    remedy: "Give each folder below `tools.fs` a `name` of its own.",
    retry: "never",
  },
});
