// Chromium, in which a test runs the client library: `CHROMIUM_BIN`, one on PATH, or Debian's
// package, installed where this process may. Nothing else needs it, so that only a test asks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { candidatesOnPath, probe, run, withoutLocalBin } from "./command.mjs";
import { takeLock } from "./lock.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PACKAGE = "chromium";

/**
 * @typedef {object} Machine
 * @property {string} system what /etc/os-release says; empty: nothing
 * @property {number | undefined} uid
 *
 * Its path, or why it cannot be had on this machine.
 * @param {import("./paths.mjs").Paths} paths
 * @param {NodeJS.ProcessEnv} env
 * @param {Machine} [machine]
 * @returns {Promise<{ path: string } | { missing: string }>}
 */
export async function getChromium(paths, env, machine = thisMachine()) {
  const named = env.CHROMIUM_BIN;
  if (named) return (await runs(named, env)) ? { path: named } : { missing: "CHROMIUM_BIN does not run" };
  const there = await find(env);
  if (there !== undefined) return { path: there };
  const why = whyNoInstall(machine);
  if (why !== undefined) return { missing: `Chromium is not on this machine, and ${why}` };
  const release = await takeLock(join(paths.tools, "chromium.lock"), () => undefined);
  try {
    const failed = (await find(env)) === undefined ? await install(paths, env) : undefined;
    const found = await find(env);
    if (found !== undefined) return { path: found };
    return { missing: `Chromium could not be installed: ${failed ?? "its package has no program"}` };
  } finally {
    release();
  }
}

/** @returns {Machine} */
function thisMachine() {
  let system = "";
  try {
    system = readFileSync("/etc/os-release", "utf8");
  } catch {
    // Not a Linux that says what it is.
  }
  return { system, uid: process.getuid?.() };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>}
 */
async function find(env) {
  for (const path of NAMES.flatMap((name) => candidatesOnPath(name, env)))
    if (await runs(path, env)) return path;
  return undefined;
}

/**
 * Some have a program by that name which only says how to get the real one.
 * @param {string} path
 * @param {NodeJS.ProcessEnv} env
 */
async function runs(path, env) {
  return /chrom/i.test((await probe(path, ["--version"], env)) ?? "");
}

/**
 * Debian's package is a browser; Ubuntu's is an empty one that needs snap.
 * @param {Machine} machine
 */
function whyNoInstall({ system, uid }) {
  if (!/^ID=debian$/m.test(system)) return "this is not Debian, from whose packages it could be installed";
  return uid === 0 ? undefined : "only root may install Debian's package";
}

/**
 * @param {import("./paths.mjs").Paths} paths
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>} what went wrong
 */
async function install(paths, env) {
  const options = { cwd: paths.root, env: { ...withoutLocalBin(env), DEBIAN_FRONTEND: "noninteractive" } };
  const steps = [["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]];
  for (const args of steps) {
    const log = join(paths.logs, `chromium-${args[0]}.log`);
    const { code, tail } = await run("apt-get", args, { ...options, log });
    if (code !== 0) return `apt-get ${args.join(" ")} failed (${log}): ${tail.at(-1) ?? ""}`;
  }
  return undefined;
}
