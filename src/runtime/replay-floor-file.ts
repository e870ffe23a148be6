// The file that the replay floor is kept in, beside the keys: written whole, and at once.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { FloorFile } from "../security/replay/replay-floor.ts";

export const floorFile = (path: string): FloorFile => ({
  read() {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  },
  write(text) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  },
});
