// The programs that must be on the machine before set-up can do its work. Asked only when
// something is to be done: starting them takes longer than a set-up that is done already.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { probe } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";
import { atLeast, formatVersion, parseVersion } from "./versions.mjs";

/** @typedef {import("./dependencies.mjs").SetupContext} SetupContext */

/**
 * @param {SetupContext} context
 * @param {{ npm: boolean, rust: boolean }} needs
 */
export async function checkToolchain(context, needs) {
  const step = context.report.step("this machine");
  const [npm, cargo, rustc] = await Promise.all([
    needs.npm ? probe("npm", ["--version"], context.env) : undefined,
    needs.rust ? probe("cargo", ["--version"], context.env) : undefined,
    needs.rust ? probe("rustc", ["--version"], context.env) : undefined,
  ]);
  const found = [`Node ${process.versions.node}`];
  try {
    if (needs.npm) found.push(`npm ${checkNpm(npm)}`);
    if (needs.rust) found.push(`Rust ${checkRust(context, cargo, rustc)}`);
  } catch (error) {
    step.failed(error instanceof Error ? error.message : String(error));
    throw error;
  }
  step.done(found.join(", "));
}

/** @param {string | undefined} output */
function checkNpm(output) {
  const version = parseVersion(output ?? "");
  if (!version) throw new SetupError("SETUP_NPM_MISSING");
  return formatVersion(version);
}

/**
 * @param {SetupContext} context
 * @param {string | undefined} cargo
 * @param {string | undefined} rustc
 */
function checkRust({ paths }, cargo, rustc) {
  const version = parseVersion(rustc ?? "");
  if (cargo === undefined || !version)
    throw new SetupError("SETUP_RUST_MISSING", "cargo and rustc are not both on PATH");
  const stated = /^rust-version = "(.+)"/m.exec(readFileSync(join(paths.rustCore, "Cargo.toml"), "utf8"));
  const least = parseVersion(stated?.[1] ?? "") ?? version;
  if (!atLeast(version, least)) {
    const what = `Rust ${formatVersion(version)} is older than ${formatVersion(least)}, which rust-core needs`;
    throw new SetupError("SETUP_RUST_MISSING", what);
  }
  return formatVersion(version);
}
