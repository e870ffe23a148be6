// Manifests from files and directories -> one graph, or every problem of all of them.
import { isUtf8 } from "node:buffer";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative, resolve } from "node:path";
import { err, ok, type Result } from "../errors/result.ts";
import { crossProblems, type OutlinedDocument } from "./cross-rules.ts";
import type { Graph } from "./graph.ts";
import type { Problem, ProblemCode } from "./problem.ts";
import { type ValidDocument, validateDocument } from "./validate.ts";
import { readYaml } from "./yaml-document.ts";

export const MAX_FILE_BYTES = 4 * 1024 * 1024;
export const MAX_FILES = 256;

export type ManifestSource = {
  /** Name in problems; relative to the working directory. */
  readonly name: string;
  /** Absolute path, from which modules are found; undefined for standard input. */
  readonly file: string | undefined;
  readonly text: string;
};

/** More are not worth telling: they are echoes of one mistake, or the file is no manifest. */
const MAX_PROBLEMS = 500;

/**
 * Reads files and directories (their .yaml and .yml files, not those below).
 * Modules are looked for, not loaded.
 */
export async function loadManifests(
  paths: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Result<Graph, readonly Problem[]>> {
  const cwd = options.cwd ?? process.cwd();
  const sources: ManifestSource[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const file of await filesOf(resolve(cwd, path))) {
      // A file may be named beside its directory.
      if (typeof file === "string" && (seen.has(file) || !seen.add(file))) continue;
      const source = typeof file === "string" ? await readSource(file, cwd) : file;
      if ("text" in source) sources.push(source);
      else problems.push({ ...source, file: relative(cwd, source.file) || source.file });
    }
  }
  if (sources.length > MAX_FILES) {
    return err([whole("MANIFEST_TOO_LARGE", `there are more than ${MAX_FILES} manifests`, cwd)]);
  }
  const parsed = parseManifests(sources);
  if (parsed.ok && problems.length === 0) return parsed;
  return err([...problems, ...(parsed.ok ? [] : parsed.error)]);
}

/** One text, e.g. of standard input; its modules are relative to the working directory. */
export const parseManifestText = (text: string, name = "-"): Result<Graph, readonly Problem[]> =>
  parseManifests([{ name, file: undefined, text }]);

export function parseManifests(sources: readonly ManifestSource[]): Result<Graph, readonly Problem[]> {
  const problems: Problem[] = [];
  const outlined: OutlinedDocument[] = [];
  const loaded: ValidDocument[] = [];
  for (const { name, file, text } of sources) {
    const read = readYaml(text, name);
    problems.push(...read.problems);
    for (const document of read.documents) {
      const { valid, outline, problems: found } = validateDocument(document, file);
      problems.push(...found);
      outlined.push({ document, outline });
      if (valid !== undefined) loaded.push(valid);
    }
    if (read.documents.length === 0 && read.problems.length === 0) {
      problems.push(whole("MANIFEST_NOT_FOUND", "the file holds no document", name));
    }
  }
  problems.push(...crossProblems(outlined));
  if (problems.length > 0) return err(bounded(problems, sources));
  return ok({
    roots: loaded.map(({ root }) => root),
    clients: loaded.flatMap(({ clients }) => clients),
  });
}

/** In the order of the files, then of their places. */
function bounded(problems: readonly Problem[], sources: readonly ManifestSource[]): readonly Problem[] {
  const order = new Map(sources.map(({ name }, index) => [name, index]));
  const at = ({ file }: Problem) => order.get(file) ?? 0;
  const sorted = problems.toSorted((a, b) => at(a) - at(b) || a.line - b.line || a.column - b.column);
  if (sorted.length <= MAX_PROBLEMS) return sorted;
  const more = `${sorted.length - MAX_PROBLEMS} further problems are not shown`;
  return [
    ...sorted.slice(0, MAX_PROBLEMS),
    whole("MANIFEST_TOO_MANY_PROBLEMS", more, sorted.at(-1)?.file ?? ""),
  ];
}

/** Files in the order of their names; a problem for a path that is no manifest. */
async function filesOf(path: string): Promise<readonly (string | Problem)[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [whole("MANIFEST_NOT_FOUND", "there is no such file or directory", path)];
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => [".yaml", ".yml"].includes(extname(name))).sort();
  if (names.length === 0) return [whole("MANIFEST_NOT_FOUND", "the directory holds no .yaml file", path)];
  if (names.length > MAX_FILES) {
    return [whole("MANIFEST_TOO_LARGE", `the directory holds more than ${MAX_FILES} manifests`, path)];
  }
  return names.map((name) => join(path, name));
}

async function readSource(file: string, cwd: string): Promise<ManifestSource | Problem> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) {
      return whole(
        "MANIFEST_TOO_LARGE",
        `the file has ${size} bytes, at most ${MAX_FILE_BYTES} are read`,
        file,
      );
    }
    const shown = relative(cwd, file);
    const name = shown.startsWith("..") ? file : shown;
    const bytes = await readFile(file);
    if (!isUtf8(bytes)) return whole("MANIFEST_SYNTAX", "the file is not UTF-8 text", file);
    return { name, file, text: bytes.toString("utf8") };
  } catch {
    return whole("MANIFEST_NOT_FOUND", "the file cannot be read", file);
  }
}

function whole(code: ProblemCode, message: string, file: string): Problem {
  return { code, message, file, line: 0, column: 0, endColumn: 0, excerpt: "" };
}
