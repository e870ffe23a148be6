// `cell0 backup FILE`
import { chmod, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { filesOf } from "./archive.ts";
import { checkDirectory } from "./check-directory.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatBytes } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { withProgress } from "./progress.ts";
import { counted } from "./render/text.ts";
import { action } from "./session.ts";

export function registerBackup(program: Command): void {
  const command = program
    .command("backup")
    .description(
      "Write keys, identities, certificates, revisions and secrets of this directory to one file, which only you can read. The cell may run.",
    )
    .argument("<file>", "where to write it; never over something that is there")
    .action(action((context, file: string) => backup(context, context.path(file))));
  documented(command, {
    examples: [["cell0 backup cell.tar.gz", "then keep it where the machine's end does not reach it"]],
    exits: ["unreachable"],
    notes:
      "A gzipped tar. Whoever has it is this cell. The state of actors and the journal lie in the broker and are not in it.",
  });
}

async function backup(context: Context, file: string): Promise<ExitCode> {
  const { dir } = context;
  const { cell, node } = await readCellConfig(dir);
  const summary = await withProgress(context, "checking", () => checkDirectory(dir.root));
  const files = await filesOf(dir.root);
  await withProgress(context, "writing the backup", () => writeArchive(dir.root, files, file));
  const { size } = await stat(file);
  context.print(
    `Backup of cell ${cell}, node ${node}: ${file} (${formatBytes(size)}, ${counted(files.length, "file")}, ` +
      `${counted(summary.certificates, "certificate")}, ${counted(summary.revisions, "revision")}). Whoever has it is this cell.`,
  );
  context.printJson({ cell, node, file, bytes: size, files: files.length, ...summary });
  return exitCodes.ok;
}

/** Beside its place first, then moved: what is there under the name is whole. Throws CLI_FILE_EXISTS. */
async function writeArchive(root: string, files: readonly string[], file: string): Promise<void> {
  if (await exists(file)) throw new CellError("CLI_FILE_EXISTS", undefined, { where: file });
  const { create } = await import("tar");
  const making = await mkdtemp(join(dirname(file), ".cell0-backup-"));
  const draft = join(making, basename(file));
  try {
    const handle = await open(draft, "wx", 0o600);
    await handle.close();
    await create({ file: draft, gzip: true, cwd: root, portable: true, strict: true, mode: 0o600 }, [
      ...files,
    ]);
    await chmod(draft, 0o600);
    await sync(draft);
    await rename(draft, file);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
