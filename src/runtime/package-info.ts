// Where this package lies and which version it is, from source and from dist alike.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CellError } from "../errors/cell-error.ts";

/** Folder of package.json: two levels above src/runtime or dist/runtime. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const packageVersion: string = readVersion();

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  if (
    typeof parsed === "object" &&
    parsed !== null &&
    "version" in parsed &&
    typeof parsed.version === "string"
  ) {
    return parsed.version;
  }
  throw new CellError("CELL_CONFIG_INVALID", "package.json states no version", { where: packageRoot });
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
