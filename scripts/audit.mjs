// npm run audit: known holes and licences of every dependency, of both languages. Apart from
// npm test, because it asks the registries and first builds cargo-deny, which takes minutes.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, withBin } from "./setup/command.mjs";
import { checkout } from "./setup/paths.mjs";

const CARGO_DENY_VERSION = "0.20.2";

const env = withBin(process.env, join(checkout.tools, "cargo", "bin"));
const failures = [];

if ((await show("npm audit", "npm", ["audit"])) !== 0) failures.push("npm audit");
if (await cargoDenyIsThere()) {
  const manifest = join(checkout.rustCore, "Cargo.toml");
  const args = ["deny", "--manifest-path", manifest, "--config", join(checkout.root, "deny.toml"), "check"];
  if ((await show("cargo deny", "cargo", args)) !== 0) failures.push("cargo deny");
} else {
  failures.push("cargo deny (it could not be installed)");
}
console.log(failures.length === 0 ? "\nnothing found" : `\nfailed: ${failures.join(", ")}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function cargoDenyIsThere() {
  const root = join(checkout.tools, "cargo");
  if (existsSync(join(root, "bin", "cargo-deny"))) return true;
  const args = ["install", "--locked", "--root", root, `cargo-deny@${CARGO_DENY_VERSION}`];
  return (await show("installing cargo-deny (a few minutes, once)", "cargo", args)) === 0;
}

/**
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 */
async function show(title, command, args) {
  console.log(`\n== ${title}`);
  const log = join(checkout.logs, `audit-${command}.log`);
  const { code } = await run(command, args, {
    cwd: checkout.root,
    env,
    log,
    onLine: (line) => console.log(line),
  });
  return code;
}
