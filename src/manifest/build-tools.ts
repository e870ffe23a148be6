// Checked `tools` of a manifest -> the tools of a graph: paths absolute, durations
// milliseconds, sizes bytes; and what the fields cannot say one by one.
import { basename, resolve } from "node:path";
import { parseDuration } from "./duration.ts";
import { parseSize } from "./size.ts";
import type { ExecGrant, FsGrant, HttpGrant, ToolsSpec } from "./tools.ts";
import { fsGrantSchema, type ManifestTools } from "./tools-schema.ts";

const ms = (duration: string): number => parseDuration(duration) ?? 0;
const bytes = (size: string): number => parseSize(size) ?? 0;

/** @param directory the manifest's own, from which paths are taken */
export function toolsOf(tools: ManifestTools, directory: string): ToolsSpec {
  const { concurrent, perMinute } = tools;
  return {
    http: tools.http.map(httpOf),
    fs: tools.fs.map((grant) => fsOf(grant, directory)),
    exec: tools.exec.map((grant) => execOf(grant, directory)),
    concurrent,
    perMinute,
  };
}

function httpOf({ maxBytes, timeout, secret, ...rest }: ManifestTools["http"][number]): HttpGrant {
  const limits = { maxBytes: bytes(maxBytes), timeoutMs: ms(timeout) };
  return { ...rest, ...limits, ...(secret === undefined ? {} : { secret }) };
}

function fsOf(
  { path, access, maxBytes, quota, name }: ManifestTools["fs"][number],
  directory: string,
): FsGrant {
  return {
    name: name ?? folderName(path, directory),
    path: resolve(directory, path),
    access,
    maxBytes: bytes(maxBytes),
    quotaBytes: bytes(quota),
  };
}

function execOf(grant: ManifestTools["exec"][number], directory: string): ExecGrant {
  const { program, args, timeout, maxOutput, stdin, env, network, cwd } = grant;
  return {
    program,
    args,
    timeoutMs: ms(timeout),
    maxOutputBytes: bytes(maxOutput),
    stdinBytes: bytes(stdin),
    env,
    network,
    ...(cwd === undefined ? {} : { cwd: resolve(directory, cwd) }),
  };
}

const folderName = (path: string, directory: string): string => basename(resolve(directory, path));

export type FolderFault = {
  readonly index: number;
  readonly field: "path" | "name";
  readonly message: string;
};

/** Folders whose names cannot be told apart, or are none. */
export function folderFaults(folders: ManifestTools["fs"], directory: string): readonly FolderFault[] {
  const seen = new Set<string>();
  return folders.flatMap(({ path, name }, index): FolderFault[] => {
    const field = name === undefined ? "path" : "name";
    const called = name ?? folderName(path, directory);
    if (!fsGrantSchema.shape.name.safeParse(called).success) {
      return [
        { index, field, message: `\`${path}\` gives the folder no usable name; give it one with \`name\`` },
      ];
    }
    if (seen.has(called))
      return [{ index, field, message: `another folder of this actor is called \`${called}\`` }];
    seen.add(called);
    return [];
  });
}
