// Where set-up finds and leaves things. All of it lies inside the checkout.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {ReturnType<typeof pathsOf>} Paths */

/** @param {string} root */
export const pathsOf = (root) => ({
  root,
  packageLock: join(root, "package-lock.json"),
  modules: join(root, "node_modules"),
  /** Inside node_modules, so that it disappears with what it vouches for. */
  modulesMarker: join(root, "node_modules", ".cell0-setup.json"),
  node: join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node"),
  rustCore: join(root, "rust-core"),
  proto: join(root, "proto"),
  coreBin: join(root, "rust-core", "target", "release", executable("cell0-core")),
  coreMarker: join(root, "rust-core", "target", "release", ".cell0-setup.json"),
  natsSources: join(root, "scripts", "setup", "nats-server"),
  natsCliSources: join(root, "scripts", "setup", "nats-cli"),
  tools: join(root, ".tools"),
  natsBin: join(root, ".tools", "bin", executable("nats-server")),
  natsMarker: join(root, ".tools", "bin", "nats-server.json"),
  natsCliBin: join(root, ".tools", "bin", executable("nats")),
  natsCliMarker: join(root, ".tools", "bin", "nats.json"),
  logs: join(root, ".tools", "log"),
  lock: join(root, ".tools", "setup.lock"),
});

/** @param {string} name */
export function executable(name) {
  return process.platform === "win32" ? `${name}.exe` : name;
}

export const checkout = pathsOf(join(dirname(fileURLToPath(import.meta.url)), "..", ".."));
