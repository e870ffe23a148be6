// Writes schema/actor-graph.v1.json and docs/manifest.md from src/manifest/schema.ts. A test
// fails when they are not what this makes.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { manifestJsonSchema } from "../src/manifest/json-schema.ts";
import { manifestReference } from "./manifest-reference.ts";
import { checkout } from "./setup/paths.mjs";

/** Content by path below the checkout. */
export function schemaFiles(): Map<string, string> {
  const schema = manifestJsonSchema();
  return new Map([
    [join("schema", "actor-graph.v1.json"), `${JSON.stringify(schema, undefined, 2)}\n`],
    [join("docs", "manifest.md"), manifestReference(schema)],
  ]);
}

if (import.meta.main) {
  for (const [path, content] of schemaFiles()) {
    const file = join(checkout.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
