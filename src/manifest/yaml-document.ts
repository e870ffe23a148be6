// YAML text -> documents with positions: bounded, plain data only. What a
// document means is not judged here.
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
} from "yaml";
import { plainDataProblems } from "./plain-data.ts";
import type { Problem } from "./problem.ts";
import { type ProblemText, SourceText } from "./source-text.ts";
import { syntaxProblems } from "./syntax-problems.ts";

export type { ProblemText } from "./source-text.ts";

export const MAX_DOCUMENTS = 256;

/** Keys of maps and indices of lists, from the root. */
export type NodePath = readonly PropertyKey[];

export type YamlDocument = {
  readonly value: unknown;
  /** A problem at the value of a path, or at its key, or at the nearest thing above it that exists. */
  problem(path: NodePath, at: "key" | "value", problem: ProblemText): Problem;
};

/** Documents that hold something; problems of form come instead of the document that has them. */
export function readYaml(
  text: string,
  file: string,
): { readonly documents: YamlDocument[]; readonly problems: Problem[] } {
  const source = new SourceText(text, file);
  const parsed = parseAllDocuments(text, {
    // Judged by plain-data.ts: the parser's own check takes quadratic time.
    uniqueKeys: false,
    prettyErrors: false,
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
    const syntax = syntaxProblems(document, source);
    const faults = syntax.length > 0 ? syntax : plainDataProblems(document, source);
    problems.push(...faults);
    if (faults.length === 0 && !isEmpty(document)) documents.push(documentOf(document, source));
  }
  return { documents, problems };
}

const isEmpty = ({ contents }: Document.Parsed): boolean =>
  contents === null || (isScalar(contents) && contents.value === null);

function documentOf(document: Document.Parsed, source: SourceText): YamlDocument {
  const places = new Places(document);
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    problem: (path, at, text) => source.at(...places.rangeOf(path, at), text),
  };
}

type Range = readonly [start: number, end: number];

/** Where the values of a document stand; maps are indexed once, since a large one may have many problems. */
class Places {
  readonly #document: Document.Parsed;
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  /** Offsets of the key or the value at a path; of what is nearest above it when there is no such thing. */
  rangeOf(path: NodePath, at: "key" | "value"): Range {
    let node: unknown = this.#document.contents;
    let range = startOf(node);
    for (const [depth, step] of path.entries()) {
      if (isMap(node)) {
        const pair = this.#pair(node, String(step));
        if (pair === undefined) return range;
        const key = isNode(pair.key) ? rangeOfNode(pair.key) : range;
        const value = isNode(pair.value) ? startOf(pair.value) : key;
        const isKey = at === "key" && depth === path.length - 1;
        // An absent value has no width of its own.
        range = isKey || value[0] === value[1] ? key : value;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        if (!isNode(node)) return range;
        range = startOf(node);
      } else return range;
    }
    return range;
  }

  #pair(map: YAMLMap, key: string): Pair | undefined {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known.get(key);
    const index = new Map(
      map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])),
    );
    this.#pairs.set(map, index);
    return index.get(key);
  }
}

const rangeOfNode = (node: Node): Range => [node.range?.[0] ?? 0, node.range?.[1] ?? 0];

/** A scalar whole; of a map its first key, so that what is underlined is short. */
function startOf(node: unknown): Range {
  if (isMap(node)) {
    const key = node.items[0]?.key;
    return isNode(key) ? rangeOfNode(key) : rangeOfNode(node);
  }
  return isNode(node) ? rangeOfNode(node) : [0, 0];
}
