// Bundles what a node's processes and workers start from, see src/actors/own-code.ts: into
// the folder named, for a package; without one, for this checkout, beside the bundles made
// before, and warms Node's compile cache with it where there is one.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { rolldown } from "rolldown";
import { type BundleRecord, bundleHome, bundleRecord, freshBundle } from "../src/actors/own-code.ts";

const root = resolve(import.meta.dirname, "..");
/** In one copy for this package and the behaviours on it. */
const SHARED = ["xstate", "zod"];
/** Bundled too: what a node loads at its start. Any other package is imported from where it lies. */
const BUNDLED =
  /^(?:xstate|zod|@bufbuild\/protobuf|@grpc\/grpc-js|@nats-io\/(?:jetstream|jwt|nats-core|nkeys|nuid|transport-node)|@noble\/ed25519|@js-sdsl\/ordered-map|tweetnacl|yaml)(?:\/|$)/;
const ENTRIES = [
  "index",
  "client",
  "testkit",
  "actors/isolation/worker/entry",
  "actors/isolation/process/entry",
  "actors/loader/native-import",
  "actors/probe/entry",
  "runtime/node-process",
  "runtime/watch/watcher",
  "supervisor/cradle/entry",
];
/** Older ones may still be run from: a cell that runs touches its own again and again. */
const KEPT = 3;
const KEPT_MS = 2 * 3_600_000;
const LOCK_MS = 60_000;

const [target] = process.argv.slice(2);
if (target !== undefined) {
  rmSync(target, { recursive: true, force: true });
  await bundle(resolve(target));
} else {
  await bundleCheckout(bundleHome(root));
}

async function bundleCheckout(home: string): Promise<void> {
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o755);
  const lock = join(home, "lock");
  if (freshBundle(home) !== undefined || !take(lock)) return;
  try {
    const folder = join(home, randomBytes(8).toString("hex"));
    const record: BundleRecord = { folder, inputs: await bundle(folder) };
    const next = join(home, `${randomBytes(8).toString("hex")}.json`);
    writeFileSync(next, JSON.stringify(record));
    warm(folder);
    renameSync(next, bundleRecord(home));
    dropOld(home);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Loads what a node loads and keeps it compiled: a node that is killed keeps nothing. */
function warm(folder: string): void {
  if (process.env.NODE_COMPILE_CACHE === undefined) return;
  execFileSync(process.execPath, [join(folder, "runtime", "node-process.js"), "--warm"], { stdio: "ignore" });
}

/** One that is older than any build is of a process that died. */
function take(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const madeMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - madeMs > LOCK_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function dropOld(home: string): void {
  const bundles = readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "lock")
    .map(({ name }) => ({ path: join(home, name), madeMs: statSync(join(home, name)).mtimeMs }))
    .toSorted((a, b) => b.madeMs - a.madeMs);
  const unused = bundles.slice(KEPT).filter(({ madeMs }) => Date.now() - madeMs > KEPT_MS);
  for (const { path } of unused) rmSync(path, { recursive: true, force: true });
}

/** Writes it, readable by anybody; returns what it was made of, as that was before. */
async function bundle(folder: string): Promise<BundleRecord["inputs"]> {
  const startedMs = Date.now();
  const build = await rolldown({
    cwd: root,
    input: { ...ownInputs(), ...sharedInputs() },
    platform: "node",
    external: (id) => !/^[./\0]/.test(id) && !isAbsolute(id) && !BUNDLED.test(id),
  });
  const { output } = await build.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    // Where own-package.ts, in one of them, finds the entries by their places.
    chunkFileNames: "actors/loader/[name]-[hash].js",
  });
  await build.close();
  const cell0Root = target === undefined ? root : relative(folder, root);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ type: "module", cell0Root })}\n`);
  openUp(folder);
  const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  const files = [import.meta.filename, ...modules.filter((id) => isAbsolute(id))];
  const inputs = [...new Set(files)].map((path): BundleRecord["inputs"][number] => {
    const { size, mtimeMs } = statSync(path);
    // One that changed meanwhile may be in it as it was: not fresh then.
    return [path, size, mtimeMs < startedMs ? mtimeMs : -1];
  });
  return inputs;
}

function openUp(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

function ownInputs(): Record<string, string> {
  return Object.fromEntries(ENTRIES.map((name) => [name, join(root, "src", `${name}.ts`)]));
}

/** All that these packages export by name. */
function sharedInputs(): Record<string, string> {
  const names = SHARED.flatMap((name) => {
    const manifest: { exports?: object } = JSON.parse(
      readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
    );
    return Object.keys(manifest.exports ?? {})
      .filter((path) => !/[*]|\.json$/.test(path))
      .map((path) => name + path.slice(1));
  });
  return Object.fromEntries(names.map((name) => [`packages/${name}`, name]));
}
