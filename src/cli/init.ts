// `cell0 init DIR`: a folder that runs, with a test that passes.
import { chmod, mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { packageRoot, packageVersion } from "../runtime/package-info.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { templateFiles } from "./init-template.ts";
import { action } from "./session.ts";

export function registerInit(program: Command): void {
  const command = program
    .command("init")
    .description(
      "Make a folder with a manifest, a behaviour in TypeScript, its test, a package.json and a README. Never overwrites anything.",
    )
    .argument("<dir>", "the folder to make; an empty one is fine")
    .option("--name <name>", "name of the graph (default: the folder's)")
    .action(
      action((context, dir: string, options: { readonly name?: string }) =>
        init(context, context.path(dir), options.name),
      ),
    );
  documented(command, {
    examples: [["cell0 init my-cell", "then: cd my-cell && npm install && npm test && npx cell0 dev"]],
    exits: [],
  });
}

async function init(context: Context, dir: string, named: string | undefined): Promise<ExitCode> {
  const name = named ?? graphName(basename(dir));
  if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name) || name === "kernel") {
    throw new CellError("CLI_USAGE", "a graph's name is 1 to 32 of a-z, 0-9 and '-', and not `kernel`", {
      where: name,
      remedy: "Give another with `--name`.",
    });
  }
  const taken = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (taken !== undefined && taken.length > 0) {
    throw new CellError("CLI_FILE_EXISTS", "the folder holds something already", { where: dir });
  }
  await mkdir(dirname(dir), { recursive: true });
  const making = await mkdtemp(join(dirname(dir), ".cell0-init-"));
  const files = templateFiles({ name, dependency: dependencyOn(dir) });
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(making, path)), { recursive: true });
      await writeFile(join(making, path), content);
    }
    // A temporary directory is its owner's alone; this one is to be as the umask says.
    await chmod(making, 0o777 & ~process.umask());
    await rmdir(dir).catch(() => undefined);
    await rename(making, dir);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  const shown = relative(context.terminal.cwd, dir) || ".";
  context.print(
    [
      `Made ${shown}:`,
      ...Object.keys(files).map((path) => `  ${path}`),
      "",
      "Next:",
      ...(shown === "." ? [] : [`  cd ${shown}`]),
      "  npm install",
      "  npm test",
      "  npx cell0 dev",
    ].join("\n"),
  );
  context.printJson({ directory: dir, name, files: Object.keys(files) });
  return exitCodes.ok;
}

const graphName = (folder: string): string =>
  folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 32) || "my-cell";

/** The published package, or this checkout where the command runs from one. */
function dependencyOn(dir: string): string {
  const installed = packageRoot.split(/[\\/]/).includes("node_modules");
  return installed ? `^${packageVersion}` : `file:${relative(dir, packageRoot) || "."}`;
}
