// npm pack's first step: dist/ from scratch, so that nothing stale is packed. Under node_modules
// Node refuses to strip types, hence JavaScript.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./setup/command.mjs";
import { withDependencies } from "./setup/dependencies.mjs";
import { checkout } from "./setup/paths.mjs";

rmSync(join(checkout.root, "dist"), { recursive: true, force: true });
const { code } = await run("tsc", ["-p", "tsconfig.build.json"], {
  cwd: checkout.root,
  env: withDependencies(checkout, process.env),
  log: join(checkout.logs, "build-package.log"),
  onLine: (line) => console.error(line),
});
process.exitCode = code;
