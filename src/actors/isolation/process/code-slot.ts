// A private copy of a behaviour's code for one process: regular files only, made
// from the bytes that were hashed, readable by that process's user alone, and
// written by nobody. No symbolic link of the original is in it, so none can be
// followed out of it.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { CellError } from "../../../errors/cell-error.ts";
import type { CodeFile } from "../../loader/code-files.ts";
import { type KnownCode, knownCode } from "../../loader/known-code.ts";

/** So much is written in one go: some milliseconds. */
const PIECE_BYTES = 1024 * 1024;
const FILE_COST_BYTES = 16 * 1024;

export type BehaviourCode = {
  readonly files: readonly CodeFile[];
  /** Folder that holds all of them. */
  readonly root: string;
  /** Text of the package.json that Node would judge the module's type by; an empty object when there is none. */
  readonly manifest: string;
};

export type CodeSlot = {
  readonly folder: string;
  /** Where a file of the code lies in the slot. */
  place(original: string): string;
};

/** What was made of code that was read once, for as long as that is known. */
const known = new WeakMap<KnownCode, BehaviourCode>();

/** @throws CellError ACTOR_BEHAVIOUR_CHANGED, ACTOR_BEHAVIOUR_NOT_FOUND, ACTOR_BEHAVIOUR_TOO_LARGE */
export async function readCode(module: string, codeHash: string): Promise<BehaviourCode> {
  const code = await knownCode(module);
  const { files, hash } = code;
  if (hash !== codeHash) {
    throw new CellError("ACTOR_BEHAVIOUR_CHANGED", `${module} is not the code of the revision`, {
      where: module,
    });
  }
  const before = known.get(code);
  if (before !== undefined) return before;
  const own = await within(files, module);
  const root = commonFolder(own.map(({ path }) => path));
  const made = { files: own, root, manifest: await manifestAbove(dirname(resolve(module))) };
  known.set(code, made);
  return made;
}

/**
 * Of the files that the code names, those that are the project's own. What it names
 * elsewhere, what it reaches by a symbolic link that leads out, and what begins with a
 * dot is not copied, whoever the node may read it as: a name in a source is no right.
 */
async function within(files: readonly CodeFile[], module: string): Promise<readonly CodeFile[]> {
  const project = await realpath(await projectOf(resolve(module)));
  const own: CodeFile[] = [];
  for (const file of files) {
    const place = relative(project, await realpath(file.path));
    const isHidden = place.split(sep).some((name) => name.startsWith("."));
    if (!isHidden && !isAbsolute(place)) own.push(file);
  }
  if (own.some(({ path }) => path === resolve(module))) return own;
  throw new CellError("ACTOR_CODE_OUTSIDE", undefined, { where: module });
}

/** The nearest folder with a package.json, or the module's own. */
async function projectOf(module: string): Promise<string> {
  for (let at = dirname(module); at !== dirname(at); at = dirname(at)) {
    if ((await stat(join(at, "package.json")).catch(() => undefined))?.isFile() === true) return at;
  }
  return dirname(module);
}

/** An empty folder that waits for code; only its owner may write. @param user whose group may read */
export async function makeSlot(codeRoot: string, name: string, user: number | undefined): Promise<string> {
  const folder = join(codeRoot, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  give(folder, 0o750, user);
  return folder;
}

/** Written without waiting for each file in turn, which takes longer than the writing; large code in pieces. */
export async function fillSlot(
  folder: string,
  code: BehaviourCode,
  user: number | undefined,
): Promise<CodeSlot> {
  const place = (original: string) => join(folder, relative(code.root, original));
  const folders = new Set<string>();
  for (const { path } of code.files) {
    for (let at = dirname(place(path)); at !== folder; at = dirname(at)) folders.add(at);
  }
  for (const at of [...folders].toSorted()) {
    mkdirSync(at, { recursive: true, mode: 0o700 });
    give(at, 0o750, user);
  }
  const manifest = { path: join(folder, "package.json"), bytes: code.manifest };
  const copies = code.files.map(({ path, bytes }) => ({ path: place(path), bytes }));
  const isOwn = copies.some(({ path }) => path === manifest.path);
  let written = 0;
  for (const { path, bytes } of isOwn ? copies : [manifest, ...copies]) {
    writeFileSync(path, bytes, { flag: "wx", mode: 0o600 });
    give(path, 0o440, user);
    written += bytes.length + FILE_COST_BYTES;
    if (written < PIECE_BYTES) continue;
    written = 0;
    await turn();
  }
  return { folder, place };
}

export async function dropSlot(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/**
 * A folder for this node process in the given one, which is this user's alone to write;
 * what dead ones left there is removed. @throws CellError CELL_DIRECTORY_UNSAFE
 */
export async function openCodeRoot(path: string): Promise<string> {
  await mkdir(path, { mode: 0o711 }).catch(() => undefined);
  const entry = await lstat(path);
  const isOwn = entry.isDirectory() && (process.geteuid === undefined || entry.uid === process.geteuid());
  if (!isOwn) {
    throw new CellError(
      "CELL_DIRECTORY_UNSAFE",
      "the folder for the code of processes is not this user's alone",
      {
        where: path,
        remedy: "Remove it.",
      },
    );
  }
  await chmod(path, 0o711);
  for (const name of await readdir(path)) {
    if (!isRunning(Number(name))) await dropSlot(join(path, name));
  }
  const own = join(path, String(process.pid));
  await mkdir(own, { recursive: true });
  await chmod(own, 0o711);
  return own;
}

function isRunning(pid: number): boolean {
  try {
    return Number.isSafeInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // Somebody else's, but there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The first folder on the way to this one that other users may not enter. */
export async function closedFolder(path: string): Promise<string | undefined> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & 0o001) === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}

function give(path: string, mode: number, user: number | undefined): void {
  if (user !== undefined) chownSync(path, 0, user);
  chmodSync(path, mode);
}

function commonFolder(paths: readonly string[]): string {
  let common = dirname(paths[0] ?? sep);
  for (const path of paths) {
    while (common !== dirname(common) && !path.startsWith(common.endsWith(sep) ? common : common + sep))
      common = dirname(common);
  }
  return common;
}

async function manifestAbove(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const text = await readFile(join(at, "package.json"), "utf8").catch(() => undefined);
    if (text !== undefined) return typeOf(text);
    if (at === dirname(at) || basename(at) === "node_modules") return "{}";
  }
}

/** Nothing of a package.json matters to a copy but the type of its modules. */
function typeOf(text: string): string {
  try {
    const type: unknown = Reflect.get(Object(JSON.parse(text)), "type");
    return JSON.stringify(type === "module" || type === "commonjs" ? { type } : {});
  } catch {
    return "{}";
  }
}
