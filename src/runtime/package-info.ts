// Where this package lies and which version it is, from source, from dist and from a bundle alike.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CellError } from "../errors/cell-error.ts";

/** Where the nearest package.json lies; a bundle's says where its package is. */
const nearest = findPackage(dirname(fileURLToPath(import.meta.url)));

/** Folder of this package's own package.json. */
export const packageRoot = resolve(nearest.folder, nearest.root ?? ".");

function findPackage(folder: string): { readonly folder: string; readonly root?: string } {
  const file = join(folder, "package.json");
  if (existsSync(file)) {
    const { cell0Root: root } = jsonIn(file);
    return typeof root === "string" ? { folder, root } : { folder };
  }
  if (dirname(folder) === folder) throw invalid("there is no package.json above this module", folder);
  return findPackage(dirname(folder));
}

function jsonIn(file: string): { readonly version?: unknown; readonly cell0Root?: unknown } {
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
  return typeof parsed === "object" && parsed !== null ? parsed : {};
}

function invalid(what: string, where: string): CellError {
  return new CellError("CELL_CONFIG_INVALID", what, { where });
}

export const packageVersion: string = readVersion();

function readVersion(): string {
  const { version } = jsonIn(join(packageRoot, "package.json"));
  if (typeof version === "string") return version;
  throw invalid("package.json states no version", packageRoot);
}

/** Path of a module of this package, `.ts` from source and `.js` from dist. */
export function modulePath(relativeToSource: string): string {
  const fromSource = import.meta.url.endsWith(".ts");
  return fromSource
    ? join(packageRoot, "src", relativeToSource)
    : join(packageRoot, "dist", relativeToSource.replace(/\.ts$/, ".js"));
}

/**
 * The core's binary: `CELL0_CORE_BIN`, else the build below rust-core, else .tools/bin.
 * Throws CORE_MISSING.
 */
export function locateCore(env: NodeJS.ProcessEnv): string {
  const named = env.CELL0_CORE_BIN;
  const candidates =
    named === undefined || named === ""
      ? [
          join(packageRoot, "rust-core", "target", "release", "cell0-core"),
          join(packageRoot, ".tools", "bin", "cell0-core"),
        ]
      : [named];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new CellError("CORE_MISSING", "the Rust core's binary is not there", {
      where: candidates.join(", "),
    });
  }
  return found;
}
