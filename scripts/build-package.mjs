// npm pack's first step: dist/ from scratch, so that nothing stale is packed. Under node_modules
// Node refuses to strip types: the package holds JavaScript only, its examples included.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./setup/command.mjs";
import { withDependencies } from "./setup/dependencies.mjs";
import { checkout } from "./setup/paths.mjs";

const dist = join(checkout.root, "dist");
const examples = join(dist, "examples");

rmSync(dist, { recursive: true, force: true });
await compile("tsconfig.build.json");
await compile("tsconfig.examples.json");
await runHere("bundle", "node", ["scripts/bundle.ts", join(dist, "bundle")]);
await runHere("browser", "node", ["scripts/bundle-browser.ts", join(dist, "browser")]);
cpSync(join(checkout.root, "deploy", "examples"), examples, {
  recursive: true,
  filter: (path) => !path.endsWith(".ts") && !/[/\\]\.cell0$/.test(path),
});
for (const name of readdirSync(examples, { recursive: true, encoding: "utf8" })) {
  if (!/\.(yaml|md)$/.test(name)) continue;
  const path = join(examples, name);
  writeFileSync(path, asPackaged(readFileSync(path, "utf8")));
}

/** @param {string} project */
async function compile(project) {
  await runHere(project, "tsc", ["-p", project]);
}

/**
 * @param {string} name
 * @param {string} command
 * @param {string[]} args
 */
async function runHere(name, command, args) {
  const { code } = await run(command, args, {
    cwd: checkout.root,
    env: withDependencies(checkout, process.env),
    log: join(checkout.logs, `build-${name}.log`),
    onLine: (line) => console.error(line),
  });
  if (code !== 0) process.exit(code);
}

/**
 * Manifests and READMEs name the compiled behaviours, at their place in the package.
 * @param {string} text
 */
function asPackaged(text) {
  return text
    .replaceAll(/(\.\/[\w./-]+)\.ts#/g, "$1.js#")
    .replaceAll("deploy/examples/", "node_modules/cell0/dist/examples/");
}
