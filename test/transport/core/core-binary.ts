// Where the real core is: a machine without it fails, for a node would refuse all work.
import { accessSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..", "..");

export function coreBinary(): string {
  const candidates = [
    process.env.CELL0_CORE_BIN,
    join(root, "rust-core", "target", "release", "cell0-core"),
    join(root, ".tools", "bin", "cell0-core"),
  ];
  for (const path of candidates) {
    try {
      if (path !== undefined) accessSync(path);
      if (path !== undefined) return path;
    } catch {
      // The next place.
    }
  }
  throw new Error(
    `cell0-core was not found; run \`npm test\`, which builds it, or set CELL0_CORE_BIN: ${candidates.join(", ")}`,
  );
}
