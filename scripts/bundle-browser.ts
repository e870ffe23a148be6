// The client library for browsers: one file, into the folder named. Where a module `x.ts` has a
// sibling `x.browser.ts`, that one takes its place; what still asks for one of Node's own
// modules then fails the build.
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, resolve } from "node:path";
import { type Plugin, rolldown } from "rolldown";

const root = resolve(import.meta.dirname, "..");

export type BrowserBundle = {
  /** Entry files by the names of their outputs. */
  readonly input: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Modules by the names that they are imported by. */
  readonly alias?: Readonly<Record<string, string>>;
};

/** Throws what rolldown throws, and for a module that only Node has. */
export async function bundleForBrowser({ input, folder, alias = {} }: BrowserBundle): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: { ...input },
    platform: "browser",
    resolve: { alias: { ...alias } },
    plugins: [browserSiblings],
  });
  await build.write({ dir: folder, format: "esm", entryFileNames: "[name].js", minify: false });
  await build.close();
}

const browserSiblings: Plugin = {
  name: "browser-siblings",
  async resolveId(source, importer, options) {
    if (isBuiltin(source) && source.startsWith("node:"))
      throw new Error(`${importer ?? "the entry"} imports ${source}, which no browser has`);
    if (!source.startsWith(".")) return null;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    const sibling = found?.id.replace(/\.ts$/, ".browser.ts") ?? "";
    return sibling !== found?.id && existsSync(sibling) ? sibling : found;
  },
};

const [target] = process.argv.slice(2);
if (import.meta.main && target !== undefined) {
  await bundleForBrowser({ input: { client: join(root, "src", "client.ts") }, folder: resolve(target) });
}
