// Where this package's own modules are: its sources when it runs from them, its
// build otherwise, or the bundle of what runs on an actor's side, which has the same
// places for what is named here.
import { existsSync } from "node:fs";

const base = new URL("../../", import.meta.url);
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** What a behaviour may import of this package. */
const ENTRIES: Readonly<Record<string, string>> = {
  cell0: "index",
  "cell0/client": "client",
  "cell0/testkit": "testkit",
};

/** URL of `cell0`, `cell0/testkit`...; undefined for anything else. */
export function ownEntry(specifier: string): string | undefined {
  const name = Object.hasOwn(ENTRIES, specifier) ? ENTRIES[specifier] : undefined;
  return name === undefined ? undefined : new URL(name + extension, base).href;
}

/** URL of `xstate`, `zod/mini`... in the bundle, which holds its own copy; undefined anywhere else. */
export function ownShared(specifier: string): string | undefined {
  if (!/^[a-z][\w/-]*$/.test(specifier)) return undefined;
  const bundled = new URL(`packages/${specifier}${extension}`, base);
  return existsSync(bundled) ? bundled.href : undefined;
}

/** A module beside this one's folder, as it is named in this form of the package. */
export function ownModule(pathWithoutExtension: string): string {
  return new URL(pathWithoutExtension + extension, base).href;
}

/** The folder that holds this package's code: `src` or `dist`. */
export const codeFolder: URL = base;
