// Most tests wait (for a process, a timer, the broker) more than they compute, so that
// several files run side by side, also on few processors. Those that measure time, or
// kill a whole cell under a steady load, have the machine to themselves afterwards.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const source = (name: string): string => join(import.meta.dirname, "src", `${name}.ts`);

const ALONE = ["test/chaos/**/*.test.ts", "test/integration/{drill,parked,recovery,stuck-intents}.test.ts"];
const SIDE_BY_SIDE = Math.min(8, availableParallelism() + 1);

export default defineConfig({
  test: {
    testTimeout: 180_000,
    hookTimeout: 240_000,
    reporters: ["default"],
    setupFiles: ["test/patience.ts"],
    // Examples name the package as their users do.
    alias: [
      { find: /^cell0$/, replacement: source("index") },
      { find: /^cell0\/(client|testkit)$/, replacement: source("$1") },
    ],
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: ALONE,
          maxWorkers: SIDE_BY_SIDE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
