// What a document may be made of: maps with plain keys, lists and the scalars of
// JSON. Everything else that YAML knows is a problem, as is what would be lost
// on the way to JSON.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  type Node,
  type Pair,
  type Scalar,
} from "yaml";
import type { Problem } from "./problem.ts";
import type { ProblemText, SourceText } from "./source-text.ts";

const MAX_DEPTH = 64;
const TAGS = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);

export function plainDataProblems(document: Document.Parsed, source: SourceText): Problem[] {
  const { version, explicit } = document.directives.yaml;
  if (explicit === true && version !== "1.2") {
    const message = `YAML ${version} reads words such as \`no\` otherwise`;
    return [source.at(0, 0, { code: "MANIFEST_SYNTAX", message, expected: "no %YAML line, or %YAML 1.2" })];
  }
  const walk = new Walk(source);
  walk.node(document.contents, 0);
  return walk.problems;
}

class Walk {
  readonly problems: Problem[] = [];
  readonly #source: SourceText;
  #tooDeep = false;

  constructor(source: SourceText) {
    this.#source = source;
  }

  node(node: unknown, depth: number): void {
    if (!isNode(node)) return;
    if (depth > MAX_DEPTH) {
      if (!this.#tooDeep) {
        this.#add(node, {
          code: "MANIFEST_TOO_DEEP",
          message: `values are nested more than ${MAX_DEPTH} levels deep`,
        });
      }
      this.#tooDeep = true;
      return;
    }
    if (isAlias(node)) this.#alias(node, `the alias \`*${node.source}\` is not taken`);
    else if (node.anchor !== undefined) {
      this.#property(node, `&${node.anchor}`, `the anchor \`&${node.anchor}\` is not taken`);
    }
    if (node.tag !== undefined && !TAGS.has(node.tag)) {
      const tag = node.tag.replace(/^tag:yaml\.org,2002:/, "!!");
      this.#property(node, tag, `the tag \`${tag}\` is not taken`);
    }
    if (isScalar(node)) this.#scalar(node);
    if (!isCollection(node)) return;
    if (isMap(node)) this.#pairs(node.items, depth);
    else for (const item of node.items) this.node(item, depth + 1);
  }

  #pairs(pairs: readonly Pair[], depth: number): void {
    const keys = new Set<string>();
    for (const { key, value } of pairs) {
      this.#key(key, keys, isNode(value) ? value : undefined);
      this.node(value, depth + 1);
    }
  }

  #key(key: unknown, keys: Set<string>, value: Node | undefined): void {
    if (!isScalar(key) || key.value === null) {
      const at = isNode(key) ? key : value;
      const text = { code: "MANIFEST_SYNTAX", message: "the key of a map is not a text" } as const;
      if (at !== undefined) this.#add(at, { ...text, expected: "a text" });
      return;
    }
    this.node(key, 0);
    const name = String(key.value);
    if (name === "__proto__") {
      this.#add(key, { code: "MANIFEST_INVALID_VALUE", message: "`__proto__` cannot be a key" });
    } else if (keys.has(name)) {
      this.#add(key, {
        code: "MANIFEST_DUPLICATE_KEY",
        message: `the key \`${name}\` stands twice in one map`,
      });
    }
    keys.add(name);
  }

  #scalar(node: Scalar): void {
    const { value, source = "" } = node;
    if (typeof value !== "number" || Number.isSafeInteger(value)) return;
    const code = "MANIFEST_INVALID_VALUE";
    if (!Number.isFinite(value)) {
      const message = `\`${source}\` is no number that JSON has`;
      this.#add(node, { code, message, expected: "a number or a text" });
    } else if (Number.isInteger(value) && /^[-+]?\d+$|^0[xo]/.test(source)) {
      const message = "the number has more digits than can be kept";
      this.#add(node, { code, message, expected: "the number in quotes" });
    }
  }

  /** An anchor or a tag, which stands before its node. */
  #property(node: Node, written: string, message: string): void {
    const before = node.range?.[0] ?? 0;
    const start = this.#source.text.lastIndexOf(written, before);
    const [from, to] = start === -1 ? [before, node.range?.[1] ?? before] : [start, start + written.length];
    const text = { code: "MANIFEST_ALIAS", message, expected: "plain data" } as const;
    this.problems.push(this.#source.at(from, to, text));
  }

  #alias(node: Node, message: string): void {
    this.#add(node, { code: "MANIFEST_ALIAS", message, expected: "plain data" });
  }

  #add(node: Node, text: ProblemText): void {
    const [start = 0, end = start] = node.range ?? [];
    this.problems.push(this.#source.at(start, end, text));
  }
}
