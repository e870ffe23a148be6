// The code that processes and workers of a node start with, the node itself and its cradle
// among them: this package bundled into a few files, which load in a fraction of the time
// of its hundreds of modules. A package has it in its build; a checkout makes it when it
// is first needed, and again when a source has changed, and starts from its sources
// meanwhile. Nothing depends on it.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync, utimes } from "node:fs";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { codeFolder } from "./loader/own-package.ts";

/** What is started by its file, and where it lies below `src`. */
const ENTRIES = {
  worker: "actors/isolation/worker/entry",
  process: "actors/isolation/process/entry",
  node: "runtime/node-process",
  cradle: "supervisor/cradle/entry",
} as const;

export type OwnCode = {
  /** Folder that holds all of it but the packages that it imports. */
  readonly folder: string;
  /** File of the program that is started. */
  entry(kind: keyof typeof ENTRIES): string;
};

/** What a bundle was made of, and where it is; beside the bundles themselves. */
const recordSchema = z.object({
  folder: z.string(),
  /** Each file with its size and its time of change in ms. */
  inputs: z.array(z.tuple([z.string(), z.number(), z.number()])).min(1),
});
export type BundleRecord = z.infer<typeof recordSchema>;

const RECORD = "bundle.json";
const BUILDER = "scripts/bundle.ts";
/** Within the life of a process; then it goes on from its sources. */
const MAX_BUILDS = 3;
const LOOK_AGAIN_MS = 2_000;
/** Well within the time that the builder keeps what nobody uses. */
const TOUCH_MS = 1_800_000;

const source = fileURLToPath(codeFolder);
const isSource = import.meta.url.endsWith(".ts");
const root = dirname(source);

const formIn = (folder: string, extension: string): OwnCode => ({
  folder,
  entry: (kind) => join(folder, ...ENTRIES[kind].split("/")) + extension,
});
const fromSource = formIn(source, isSource ? ".ts" : ".js");

let found: OwnCode | undefined;
let lookedAtMs = Number.NEGATIVE_INFINITY;
let builds = 0;
let building: Promise<void> | undefined;

/** What to start from now. Looks at files, until there is a bundle; never waits for one. */
export function ownCode(): OwnCode {
  if (found !== undefined) return found;
  const now = performance.now();
  if (now - lookedAtMs < LOOK_AGAIN_MS) return fromSource;
  lookedAtMs = now;
  const folder = isSource ? freshBundle(bundleHome(root)) : join(source, "bundle");
  const form = folder === undefined ? undefined : formIn(folder, ".js");
  if (form !== undefined && existsSync(form.entry("worker"))) found = form;
  else if (isSource) build();
  return found ?? fromSource;
}

/** What to start from once a bundle that is being made is there; keeps no process alive. */
export async function ownCodeMade(): Promise<OwnCode> {
  ownCode();
  await building;
  return ownCode();
}

/** Says now and then that this code is in use, so that no later build removes it; keeps no process alive. */
export function useOwnCode({ folder }: OwnCode): void {
  if (!isSource || folder === source) return;
  const touch = () => utimes(folder, new Date(), new Date(), () => {});
  setInterval(touch, TOUCH_MS).unref();
}

/** Folder for the bundles of a checkout and the record of the newest. */
export function bundleHome(checkout: string): string {
  const name = createHash("sha256").update(checkout).digest("hex").slice(0, 12);
  const modules = join(checkout, "node_modules");
  // Processes of other users may read what is named, not the links on the way.
  const folder = existsSync(modules) ? realpathSync(modules) : modules;
  return join(folder, ".cache", `cell0-actors-${name}`);
}

export const bundleRecord = (home: string): string => join(home, RECORD);

/** The newest bundle, when all that it was made of is as it was then. */
export function freshBundle(home: string): string | undefined {
  try {
    const { folder, inputs } = recordSchema.parse(JSON.parse(readFileSync(bundleRecord(home), "utf8")));
    const isFresh = inputs.every(([path, size, changedMs]) => {
      const file = statSync(path);
      return file.size === size && file.mtimeMs === changedMs;
    });
    return isFresh && dirname(folder) === home && isOpen(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Others may enter and read, and only its owner, who is this user or the one of the sources, may write. */
function isOpen(folder: string): boolean {
  const owners = new Set([process.geteuid?.(), statSync(source).uid]);
  return [folder, dirname(folder), dirname(dirname(folder))].every((at, depth) => {
    const { mode, uid } = statSync(at);
    const needed = depth === 0 ? 0o005 : 0o001;
    return (mode & 0o002) === 0 && (mode & needed) === needed && owners.has(uid);
  });
}

/** In a process of its own that gives way to everything else; one at a time on the machine, see there. */
function build(): void {
  const builder = join(root, BUILDER);
  if (builds >= MAX_BUILDS || !existsSync(builder)) return;
  builds += 1;
  const { NODE_COMPILE_CACHE: cache } = process.env;
  const child = spawn(process.execPath, ["--no-warnings", builder], {
    stdio: "ignore",
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    cwd: root,
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  building = promise;
  child.on("error", () => resolve());
  child.once("exit", () => {
    lookedAtMs = Number.NEGATIVE_INFINITY;
    resolve();
  });
  child.unref();
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It is over already, or this system has no such thing.
  }
}
