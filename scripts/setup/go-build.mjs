// Programs of others built from their Go module, at the version and with the sums that lie in a
// folder beside this file. Nothing may fetch another toolchain.
import { probe, run } from "./command.mjs";
import { atLeast, formatVersion, parseVersion } from "./versions.mjs";

/** What the pinned modules' go.mod ask for. */
export const LEAST_GO = /** @type {const} */ ([1, 26, 0]);

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export const goEnvironment = (env) => ({
  ...env,
  GOTOOLCHAIN: "local",
  GOFLAGS: "",
  GOWORK: "off",
  CGO_ENABLED: "0",
});

/**
 * Why nothing can be built here; undefined: Go is there and new enough.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>}
 */
export async function whyNoGo(env) {
  const version = parseVersion((await probe("go", ["env", "GOVERSION"], goEnvironment(env))) ?? "");
  if (!version) return "Go: not on this machine";
  if (atLeast(version, LEAST_GO)) return undefined;
  return `Go: ${formatVersion(version)} is older than ${formatVersion(LEAST_GO)}`;
}

/**
 * @param {{ package: string, sources: string, binary: string, log: string, env: NodeJS.ProcessEnv }} options
 *   sources: the folder with go.mod and go.sum; binary: where the program is put
 * @returns {Promise<import("./command.mjs").Outcome>}
 */
export function buildGo({ package: name, sources, binary, log, env }) {
  const args = [
    "build",
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    "-ldflags=-s -w",
    "-o",
    binary,
    name,
  ];
  return run("go", args, { cwd: sources, env: goEnvironment(env), log });
}
