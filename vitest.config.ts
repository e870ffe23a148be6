import { join } from "node:path";
import { defineConfig } from "vitest/config";

const source = (name: string): string => join(import.meta.dirname, "src", `${name}.ts`);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ["default"],
    // Examples name the package as their users do.
    alias: [
      { find: /^cell0$/, replacement: source("index") },
      { find: /^cell0\/(client|testkit)$/, replacement: source("$1") },
    ],
  },
});
