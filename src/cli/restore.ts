// `cell0 restore FILE`: unpacked beside the data directory, checked there in
// full, and moved in place only when all of it holds.
import { chmod, mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { ReadEntry } from "tar";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { dataDir } from "../runtime/data-dir.ts";
import { belongs, filesOf, MAX_BYTES, MAX_ENTRIES } from "./archive.ts";
import { checkDirectory } from "./check-directory.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { withProgress } from "./progress.ts";
import { counted } from "./render/text.ts";
import { action } from "./session.ts";

export function registerRestore(program: Command): void {
  const command = program
    .command("restore")
    .description(
      "Make the data directory from a backup. Every signature and hash is checked before anything is put in place; a directory that holds something is refused.",
    )
    .argument("<file>", "what `cell0 backup` wrote")
    .action(action((context, file: string) => restore(context, context.path(file))));
  documented(command, {
    examples: [["cell0 --data-dir .cell0 restore cell.tar.gz", "then: cell0 up"]],
    exits: [],
    notes:
      "Where the old broker is gone, the node publishes its certificates and revisions to the new one and the cell converges to its last revision.",
  });
}

async function restore(context: Context, file: string): Promise<ExitCode> {
  const { root } = context.dir;
  await requireEmpty(root);
  await mkdir(dirname(root), { recursive: true });
  const making = await mkdtemp(join(dirname(root), ".cell0-restore-"));
  try {
    await withProgress(context, "unpacking", () => unpack(file, making));
    const summary = await withProgress(context, "checking", () => checkDirectory(making));
    const { cell, node } = await readCellConfig(dataDir(making));
    await keepFromOthers(making);
    await requireEmpty(root);
    await rmdir(root).catch(() => undefined);
    await rename(making, root);
    context.print(
      [
        `Restored cell ${cell}, node ${node}, to ${root}: ${counted(summary.certificates, "certificate")}, ` +
          `${counted(summary.revisions, "revision")} and ${counted(summary.secrets, "secret")}, all checked.`,
        "Start it: cell0 up. Two nodes must never run from one identity: make sure that the old one is gone.",
      ].join("\n"),
    );
    context.printJson({ cell, node, directory: root, ...summary });
    return exitCodes.ok;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function requireEmpty(root: string): Promise<void> {
  const entries = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (entries.length > 0) {
    throw new CellError("CLI_FILE_EXISTS", "the data directory holds something already", {
      where: root,
      remedy: "Give another `--data-dir`, or move away what is there.",
    });
  }
}

/** The whole archive is read and judged before a file of it is written. Throws CLI_BACKUP_INVALID. */
async function unpack(file: string, into: string): Promise<void> {
  const { extract, list } = await import("tar");
  await stat(file);
  const judge = new ArchiveJudge();
  try {
    await list({ file, strict: true, onReadEntry: (entry) => judge.read(entry) });
    if (judge.fault === undefined) {
      await extract({ file, cwd: into, strict: true, noChmod: true, preserveOwner: false });
    }
  } catch (cause) {
    throw new CellError("CLI_BACKUP_INVALID", "the archive is cut short or damaged", { where: file, cause });
  }
  if (judge.fault !== undefined) throw new CellError("CLI_BACKUP_INVALID", judge.fault, { where: file });
}

/** Plain files and directories that belong into a backup, and not too many; anything else voids it. */
class ArchiveJudge {
  fault: string | undefined;
  #entries = 0;
  #bytes = 0;

  read({ path, type, size }: ReadEntry): void {
    const name = path.replace(/^\.\//, "").replace(/\/$/, "");
    this.#entries += 1;
    this.#bytes += size;
    const outside = name.startsWith("/") || name.split(/[\\/]/).includes("..");
    if (outside || !belongs(name)) this.fault ??= `${name} does not belong there`;
    else if (type !== "File" && type !== "OldFile" && type !== "Directory")
      this.fault ??= `${name} is a ${type}`;
    else if (this.#entries > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.fault ??= "it is too large";
  }
}

async function keepFromOthers(root: string): Promise<void> {
  for (const path of await filesOf(root)) await chmod(join(root, path), 0o600);
  await chmodDirectories(root);
}

async function chmodDirectories(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await chmodDirectories(join(directory, entry.name));
  }
}
