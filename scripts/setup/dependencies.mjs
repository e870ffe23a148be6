// The npm packages, and Node 26 among them. The marker lies inside node_modules and is
// written last, so a tree that was half installed, or removed, is installed anew.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { probe, run, withBin } from "./command.mjs";
import { fingerprint, readMarker, writeMarker } from "./fingerprint.mjs";
import { SetupError } from "./setup-error.mjs";
import { atLeast, formatVersion, parseVersion } from "./versions.mjs";

/** How much of npm's complaint is shown. */
const ERROR_LINES = 12;
const LEAST_NODE = /** @type {const} */ ([26, 0, 0]);

/**
 * @typedef {object} SetupContext
 * @property {import("./paths.mjs").Paths} paths
 * @property {NodeJS.ProcessEnv} env without node_modules/.bin on its PATH
 * @property {import("./report.mjs").Report} report
 */

/** @param {SetupContext} context */
export function dependenciesAreDone({ paths }) {
  const marker = readMarker(paths.modulesMarker);
  if (marker?.fingerprint !== dependencyFingerprint(paths)) return false;
  return (
    existsSync(paths.node) && requiredPackages(paths).every((path) => existsSync(join(path, "package.json")))
  );
}

/** @param {SetupContext} context */
export async function installDependencies(context) {
  const { paths, env, report } = context;
  const step = report.step("dependencies");
  step.detail("npm ci");
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund"];
  const log = join(paths.logs, "npm-ci.log");
  /** @type {string[]} The first ones: npm ends a failure with a page on its own usage. */
  const errorLines = [];
  const outcome = await run("npm", args, {
    cwd: paths.root,
    env,
    log,
    onLine: (line) => {
      if (/^npm error ./.test(line) && errorLines.length < ERROR_LINES) errorLines.push(line);
    },
  });
  if (outcome.code !== 0) {
    step.failed(outcome.ended ? "stopped" : "npm ci failed");
    throw new SetupError("SETUP_DEPENDENCIES_FAILED", undefined, { log, tail: errorLines });
  }
  step.done(`${requiredPackages(paths).length} packages from package-lock.json`);
  await ensureNode(context);
  writeMarker(paths.modulesMarker, { fingerprint: dependencyFingerprint(paths) });
}

/** @param {SetupContext} context */
async function ensureNode({ paths, env, report }) {
  const step = report.step("Node 26");
  const found = async () => {
    const version = parseVersion((await probe(paths.node, ["--version"], env)) ?? "");
    return version && atLeast(version, LEAST_NODE) ? formatVersion(version) : undefined;
  };
  let version = await found();
  if (version === undefined) {
    step.detail("npm rebuild node");
    const log = join(paths.logs, "npm-rebuild-node.log");
    const outcome = await run("npm", ["rebuild", "node", "--foreground-scripts"], {
      cwd: paths.root,
      env,
      log,
    });
    version = await found();
    if (version === undefined) {
      step.failed("its binary is not there");
      throw new SetupError("SETUP_NODE_RUNTIME_MISSING", undefined, { log, tail: outcome.tail });
    }
  }
  step.done(`${version} from the npm package`);
}

/** @param {import("./paths.mjs").Paths} paths */
function dependencyFingerprint(paths) {
  return `${process.platform}-${process.arch}-${fingerprint([paths.packageLock])}`;
}

/**
 * Folders of every package that this platform cannot do without.
 * @param {import("./paths.mjs").Paths} paths
 * @returns {string[]}
 */
function requiredPackages(paths) {
  const lock = JSON.parse(readFileSync(paths.packageLock, "utf8"));
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== "" && !entry.optional && !entry.os && !entry.cpu)
    .map(([path]) => join(paths.root, path));
}

/**
 * The environment in which `node` is Node 26 and the packages' commands are found.
 * @param {import("./paths.mjs").Paths} paths
 * @param {NodeJS.ProcessEnv} env
 */
export function withDependencies(paths, env) {
  return withBin(env, dirname(paths.node));
}
