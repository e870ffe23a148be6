// The client in Go, built into a folder of the test's; Go keeps what it fetched and compiled in its own caches.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { probe } from "../../scripts/setup/command.mjs";
import { checkout, executable } from "../../scripts/setup/paths.mjs";
import { atLeast, parseVersion } from "../../scripts/setup/versions.mjs";
import { type ClientTools, run } from "./client-tools.ts";

const LEAST_GO = [1, 26, 0] as const;
const BUILD_TIMEOUT_MS = 300_000;
const source = join(checkout.root, "clients", "go");
/** Nothing may fetch another toolchain. */
const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "", GOWORK: "off", CGO_ENABLED: "0" };

/** Why the client cannot be built on this machine; undefined: it can. */
export async function whyNoGo(): Promise<string | undefined> {
  const version = parseVersion((await probe("go", ["env", "GOVERSION"], env)) ?? "");
  return version !== undefined && atLeast(version, LEAST_GO)
    ? undefined
    : "go (1.26 or newer) is not on this machine";
}

export type GoTools = ClientTools & {
  /** What gofmt and vet find amiss; empty: nothing. */
  lint(): Promise<string>;
};

/** @param folder that the binaries are put into */
export async function makeGo(folder: string): Promise<GoTools> {
  const options = { cwd: source, env, timeout: BUILD_TIMEOUT_MS };
  const bin = join(folder, "go");
  const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", `${bin}/`, "./cmd/..."];
  await promisify(execFile)("go", args, options);
  const binary = (name: string): string => join(bin, executable(name));
  return {
    env,
    client: (...args) => run(binary("cell0"), args),
    async vectors(...files) {
      const { stdout, stderr } = await run(
        binary("vectors"),
        files.map((file) => fileURLToPath(file)),
      );
      if (stderr !== "") throw new Error(stderr);
      return stdout;
    },
    async lint() {
      const said = [await run("gofmt", ["-l", "."], options), await run("go", ["vet", "./..."], options)];
      return said.map(({ stdout, stderr }) => stdout + stderr).join("");
    },
  };
}
