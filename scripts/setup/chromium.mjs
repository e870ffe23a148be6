// Chromium, in which a test runs the client library: `CHROMIUM_BIN`, one on PATH, or Debian's
// package, installed where this process may. Nothing else needs it, so that only a test asks.
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { candidatesOnPath, run, withoutLocalBin } from "./command.mjs";
import { takeLock } from "./lock.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PACKAGE = "chromium";

/**
 * Its path, or why it cannot be had on this machine.
 * @param {import("./paths.mjs").Paths} paths
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ path: string } | { missing: string }>}
 */
export async function getChromium(paths, env) {
  const there = find(env);
  if (there !== undefined) return { path: there };
  const why = whyNoInstall();
  if (why !== undefined) return { missing: `Chromium is not on this machine, and ${why}` };
  const release = await takeLock(join(paths.tools, "chromium.lock"), () => undefined);
  try {
    const failed = find(env) === undefined ? await install(paths, env) : undefined;
    const found = find(env);
    if (found !== undefined) return { path: found };
    return { missing: `Chromium could not be installed: ${failed ?? "its package has no program"}` };
  } finally {
    release();
  }
}

/** @param {NodeJS.ProcessEnv} env */
function find(env) {
  if (env.CHROMIUM_BIN) return env.CHROMIUM_BIN;
  return NAMES.flatMap((name) => candidatesOnPath(name, env)).find(canRun);
}

/** Debian's package is a browser; of its descendants Ubuntu's is an empty one that needs snap. */
function whyNoInstall() {
  let system = "";
  try {
    system = readFileSync("/etc/os-release", "utf8");
  } catch {
    // Not a Linux that says what it is.
  }
  if (!/^ID=debian$/m.test(system)) return "this is not Debian, from whose packages it could be installed";
  if (process.getuid?.() !== 0) return "only root may install Debian's package";
  return undefined;
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

/** @param {string} path */
function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
