// A folder as a user has one: manifests and behaviours, outside of the package.
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type Workspace = {
  readonly root: string;
  /** Path of a file in it. */
  path(name: string): string;
  /** Writes a file and returns its path. */
  write(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
};

/** Holds a copy of the folder `behaviours`. */
export async function makeWorkspace(): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "cell0-workspace-"));
  await cp(join(import.meta.dirname, "behaviours"), root, { recursive: true });
  const path = (name: string) => join(root, name);
  return {
    root,
    path,
    async write(name, text) {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), text);
      return path(name);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

export type Child = Readonly<Record<string, unknown>>;

/** A manifest; JSON is YAML. */
export function manifest(
  name: string,
  children: readonly Child[],
  spec: Readonly<Record<string, unknown>> = {},
): string {
  return `${JSON.stringify(
    {
      apiVersion: "cell0.dev/v1",
      kind: "ActorGraph",
      metadata: { name },
      spec: { strategy: "one_for_one", intensity: 10, period: "5s", ...spec, children },
    },
    null,
    2,
  )}\n`;
}
