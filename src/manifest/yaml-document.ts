// YAML text -> documents with positions: bounded in depth, without duplicate
// keys, aliases or tags. What a document means is not judged here.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";
import type { Problem, ProblemCode } from "./problem.ts";

export const MAX_DOCUMENTS = 256;
const MAX_DEPTH = 64;

/** Keys of maps and indices of lists, from the root. */
export type NodePath = readonly PropertyKey[];

export type YamlDocument = {
  readonly value: unknown;
  /** A problem at the value of a path, or at its key, or at the nearest thing above it that exists. */
  problem(path: NodePath, at: "key" | "value", problem: ProblemText): Problem;
};

export type ProblemText = Pick<Problem, "code" | "message" | "expected" | "suggestion">;

/** Documents that hold something; problems of form come instead of the document that has them. */
export function readYaml(
  text: string,
  file: string,
): { readonly documents: YamlDocument[]; readonly problems: Problem[] } {
  const lineCounter = new LineCounter();
  const source = new Source(text, file, lineCounter);
  const parsed = parseAllDocuments(text, {
    lineCounter,
    uniqueKeys: true,
    version: "1.2",
    schema: "core",
    strict: true,
  });
  const all = Array.isArray(parsed) ? parsed : [];
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  if (all.length > MAX_DOCUMENTS) {
    const message = `the file holds ${all.length} documents, at most ${MAX_DOCUMENTS} are taken`;
    return { documents, problems: [source.at(0, 0, { code: "MANIFEST_TOO_LARGE", message })] };
  }
  for (const document of all) {
    const faults = [...document.errors.map((error) => source.syntax(error)), ...source.forbidden(document)];
    problems.push(...faults);
    if (faults.length === 0 && document.contents !== null) documents.push(source.document(document));
  }
  return { documents, problems };
}

class Source {
  readonly #text: string;
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(text: string, file: string, lines: LineCounter) {
    this.#text = text;
    this.#file = file;
    this.#lines = lines;
  }

  at(start: number, end: number, problem: ProblemText): Problem {
    const { line, col } = this.#lines.linePos(start);
    const lineStart = start - col + 1;
    const newline = this.#text.indexOf("\n", lineStart);
    const lineEnd = newline === -1 ? this.#text.length : newline;
    const excerpt = this.#text.slice(lineStart, lineEnd).replace(/\r$/, "").replaceAll("\t", " ");
    const column = Math.max(1, col);
    const endColumn = Math.max(column + 1, Math.min(end, lineEnd) - lineStart + 1);
    return { ...problem, file: this.#file, line: Math.max(1, line), column, endColumn, excerpt };
  }

  syntax(error: YAMLError): Problem {
    const [code, message] = describe(error);
    return this.at(error.pos[0], error.pos[1], { code, message });
  }

  /** Aliases, anchors, tags and depth. */
  forbidden(document: Document.Parsed): Problem[] {
    const problems: Problem[] = [];
    const add = (node: Node, code: ProblemCode, message: string) => {
      const [start = 0, end = 0] = node.range ?? [];
      problems.push(this.at(start, end, { code, message }));
    };
    if (document.errors.length > 0) return problems;
    visit(document, {
      Node: (_key, node, path) => {
        if (path.length > MAX_DEPTH * 2) {
          add(node, "MANIFEST_TOO_DEEP", `values are nested more than ${MAX_DEPTH} levels deep`);
          return visit.BREAK;
        }
        if (isAlias(node)) add(node, "MANIFEST_ALIAS", `the alias \`*${node.source}\` is not taken`);
        else if (node.anchor !== undefined)
          add(node, "MANIFEST_ALIAS", `the anchor \`&${node.anchor}\` is not taken`);
        else if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) {
          add(node, "MANIFEST_ALIAS", `the tag \`${node.tag}\` is not taken`);
        }
        return undefined;
      },
    });
    return problems;
  }

  document(document: Document.Parsed): YamlDocument {
    return {
      value: document.toJS({ maxAliasCount: 0 }),
      problem: (path, at, text) => {
        const [start, end] = rangeOf(document, path, at);
        return this.at(start, end, text);
      },
    };
  }
}

/** Offsets of the key or the value at a path; of what is nearest above it when there is no such thing. */
function rangeOf(document: Document.Parsed, path: NodePath, at: "key" | "value"): readonly [number, number] {
  let node: unknown = document.contents;
  let range = startOf(document.contents);
  for (const [depth, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!isPair(pair)) return range;
      const last = depth === path.length - 1;
      const key = isNode(pair.key) ? rangeOfNode(pair.key) : range;
      const value = isNode(pair.value) ? startOf(pair.value) : key;
      range = last && at === "key" ? key : value;
      // An absent value has no width of its own.
      if (range[0] === range[1]) range = key;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!isNode(node)) return range;
      range = startOf(node);
    } else return range;
  }
  return range;
}

const rangeOfNode = (node: Node): readonly [number, number] => [node.range?.[0] ?? 0, node.range?.[1] ?? 0];

/** A scalar whole; of a map or list its first key or item, so that what is underlined is short. */
function startOf(node: unknown): readonly [number, number] {
  if (isMap(node)) {
    const key = node.items[0]?.key;
    return isNode(key) ? rangeOfNode(key) : rangeOfNode(node);
  }
  return isNode(node) ? rangeOfNode(node) : [0, 0];
}

function describe(error: YAMLError): readonly [ProblemCode, string] {
  const message = (error.message.split("\n", 1)[0] ?? "")
    .replace(/ at line \d+, column \d+:?$/, "")
    .replace(/[.:]$/, "");
  if (error.code === "DUPLICATE_KEY") return ["MANIFEST_DUPLICATE_KEY", "this key stands twice in one map"];
  if (error.code === "TAB_AS_INDENT")
    return ["MANIFEST_SYNTAX", "a tab is used to indent; YAML takes spaces only"];
  return ["MANIFEST_SYNTAX", message];
}
