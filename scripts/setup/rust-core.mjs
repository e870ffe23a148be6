// The Rust core: cargo build --release --locked, skipped while its sources are unchanged.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { fingerprint, readMarker, writeMarker } from "./fingerprint.mjs";
import { SetupError } from "./setup-error.mjs";

/** @typedef {import("./dependencies.mjs").SetupContext} SetupContext */

/** Of the packages in Cargo.lock, roughly: enough for a progress display. */
const BUILT_SHARE = 0.71;

/**
 * The binary to use: `CELL0_CORE_BIN`, else the build of this checkout.
 * @param {SetupContext} context
 */
export function coreBinary({ paths, env }) {
  return env.CELL0_CORE_BIN || paths.coreBin;
}

/** @param {SetupContext} context */
export function coreNote({ env }) {
  return env.CELL0_CORE_BIN ? "named by CELL0_CORE_BIN" : "built before";
}

/** @param {SetupContext} context */
export function coreIsDone({ paths, env }) {
  const named = env.CELL0_CORE_BIN;
  if (named) {
    if (existsSync(named)) return true;
    throw new SetupError("SETUP_CORE_UNUSABLE", `CELL0_CORE_BIN names no file: ${named}`);
  }
  if (!existsSync(paths.coreBin)) return false;
  const marker = readMarker(paths.coreMarker);
  const built = statSync(paths.coreBin);
  return (
    marker?.fingerprint === coreFingerprint(paths) &&
    marker.size === built.size &&
    marker.modifiedMs === built.mtimeMs
  );
}

/** @param {SetupContext} context */
export async function buildCore({ paths, env, report }) {
  const step = report.step("Rust core");
  const before = coreFingerprint(paths);
  const log = join(paths.logs, "cargo-build.log");
  const target = join(paths.rustCore, "target");
  const expected = cratesOf(paths);
  let crates = 0;
  const outcome = await run("cargo", ["build", "--release", "--locked", "--target-dir", target], {
    cwd: paths.rustCore,
    env,
    log,
    onLine: (line) => {
      const doing = /^\s*(Compiling|Downloading|Downloaded|Building) (.+?)(?: \(.*)?$/.exec(line);
      if (!doing) return;
      if (doing[1] === "Compiling") crates += 1;
      step.detail(crates > 0 ? `crate ${crates} of about ${expected}, ${doing[2]}` : "fetching crates");
    },
  });
  if (outcome.code !== 0 || !existsSync(paths.coreBin)) {
    step.failed(outcome.ended ? "stopped" : "cargo build failed");
    throw new SetupError("SETUP_CORE_BUILD_FAILED", undefined, { log, tail: outcome.tail });
  }
  const built = statSync(paths.coreBin);
  writeMarker(paths.coreMarker, { fingerprint: before, size: built.size, modifiedMs: built.mtimeMs });
  step.done("built with cargo build --release --locked");
}

/**
 * Some of the locked packages are for tests or for other systems.
 * @param {import("./paths.mjs").Paths} paths
 */
function cratesOf(paths) {
  const lock = readFileSync(join(paths.rustCore, "Cargo.lock"), "utf8");
  return Math.round((lock.split("[[package]]").length - 1) * BUILT_SHARE);
}

/** @param {import("./paths.mjs").Paths} paths */
function coreFingerprint(paths) {
  return fingerprint([paths.rustCore, paths.proto]);
}
