// The stock `nats` command line, which tests hold against a cell: `NATS_CLI_BIN`, or built from
// the Go module at a pinned version. Nothing else needs it, so that only a test asks for it.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { withoutLocalBin } from "./command.mjs";
import { fingerprint, readMarker, writeMarker } from "./fingerprint.mjs";
import { buildGo, whyNoGo } from "./go-build.mjs";

const GO_PACKAGE = "github.com/nats-io/natscli/nats";

/**
 * Why it cannot be had on this machine; undefined: it can.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>}
 */
export async function whyNoNatsCli(env) {
  return env.NATS_CLI_BIN ? undefined : await whyNoGo(withoutLocalBin(env));
}

/**
 * Its path. Builds it the first time, and when the pinned version changes.
 * @param {import("./paths.mjs").Paths} paths
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>}
 */
export async function natsCli(paths, env) {
  if (env.NATS_CLI_BIN) return env.NATS_CLI_BIN;
  const { natsCliSources: sources, natsCliBin, natsCliMarker } = paths;
  const wanted = fingerprint([sources]);
  if (readMarker(natsCliMarker)?.fingerprint === wanted && existsSync(natsCliBin)) return natsCliBin;
  mkdirSync(dirname(natsCliBin), { recursive: true });
  const binary = `${natsCliBin}.${process.pid}.partial`;
  const log = join(paths.logs, "nats-cli-go.log");
  const { code, tail } = await buildGo({
    package: GO_PACKAGE,
    sources,
    binary,
    log,
    env: withoutLocalBin(env),
  });
  if (code !== 0) throw new Error(`the nats command line could not be built (${log}):\n${tail.join("\n")}`);
  renameSync(binary, natsCliBin);
  writeMarker(natsCliMarker, { fingerprint: wanted });
  return natsCliBin;
}
