// A behaviour that runs from a private copy finds its installed packages where its
// original lies. The hook is set before foreign code runs; where to is told later.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

let copied: string | undefined;
let original = "";

export function registerPackageOrigin(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const parent = context.parentURL;
      if (copied === undefined || parent?.startsWith(copied) !== true || !/^[^./]/.test(specifier))
        return nextResolve(specifier, context);
      return nextResolve(specifier, { ...context, parentURL: original + parent.slice(copied.length) });
    },
  });
}

/** @param module the copy, @param from the original; they end alike */
export function setPackageOrigin(module: string, from: string): void {
  if (from === "") return;
  const [copy, source] = [pathToFileURL(module).href, pathToFileURL(from).href];
  let shared = 0;
  while (shared < copy.length && copy.at(-1 - shared) === source.at(-1 - shared)) shared++;
  copied = copy.slice(0, copy.length - shared);
  original = source.slice(0, source.length - shared);
}
