// `cell0 dev [FILES]`: a cell that follows what is saved.
import { stat } from "node:fs/promises";
import { relative } from "node:path";
import type { Command } from "commander";
import { isAlive, readHolder } from "../runtime/lock.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatLatency } from "./duration.ts";
import { formatError, toCellError } from "./error-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { type FileWatch, watchFiles } from "./file-watch.ts";
import { loadGraph } from "./load-graph.ts";
import { renderOutcome, renderPlan, renderProblems } from "./render/plan.ts";
import { action } from "./session.ts";
import { manifestFiles, moduleFiles } from "./watched-files.ts";

export function registerDev(program: Command): void {
  const command = program
    .command("dev")
    .description(
      "Apply manifests, then watch them, their behaviours and what those import; every save is planned and applied. Starts a cell when none runs from the data directory, and stops it at the end.",
    )
    .argument("[files...]", "manifests, or directories of manifests (default: this directory)")
    .action(action((context, files: readonly string[]) => dev(context, files.length === 0 ? ["."] : files)));
  documented(command, {
    examples: [["cell0 dev graph.yaml", "edit, save, see what restarted"]],
    exits: ["refused", "unreachable", "internal"],
    notes: "A save that does not parse or does not load is shown; what ran before still runs.",
  });
}

async function dev(context: Context, named: readonly string[]): Promise<ExitCode> {
  const paths = named.map((file) => context.path(file));
  const follower = new Follower(context, paths);
  context.defer(() => follower.stop());
  const holder = await readHolder(context.dir);
  if (holder !== undefined && isAlive(holder)) {
    await follower.follow();
    await interrupted(context.signal);
    return exitCodes.ok;
  }
  const { runUp } = await import("./run-up.ts");
  return await runUp(context, [], { spare: false }, { onReady: () => follower.follow() });
}

async function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Applies at each change, one at a time; a change during an apply leads to one more. */
class Follower {
  readonly #context: Context;
  readonly #paths: readonly string[];
  readonly #watch: FileWatch;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(context: Context, paths: readonly string[]) {
    this.#context = context;
    this.#paths = paths;
    this.#watch = watchFiles((files) => this.#changed(files));
  }

  async follow(): Promise<void> {
    await this.#apply();
    const count = await this.#watchAgain();
    this.#context.note(this.#context.errorColors.dim(`Watching ${count} files; Ctrl-C ends it.`));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch.close();
    await this.#running;
  }

  #changed(files: readonly string[]): void {
    this.#running = this.#running.then(async () => {
      if (this.#stopped) return;
      const names = files.map((file) => relative(this.#context.terminal.cwd, file));
      this.#context.note(this.#context.errorColors.dim(`saved ${names.join(", ")}`));
      await this.#apply();
      await this.#watchAgain();
    });
  }

  /** Never throws: what is wrong is shown, and the next save tried. */
  async #apply(): Promise<void> {
    const context = this.#context;
    const startedAt = performance.now();
    try {
      const graph = await loadGraph(context, this.#paths);
      if (graph === undefined) return;
      const kernel = await context.kernel();
      const staged = await kernel.stage(graph, false);
      const plan = await kernel.plan(staged);
      if (plan.problems.length > 0) return context.note(renderProblems(plan.problems, context.errorColors));
      if (plan.changes.length === 0) return context.print(context.colors.dim("nothing to change"));
      context.print(renderPlan(plan, context.colors));
      const report = await kernel.apply(staged, plan.baseRevision);
      const took = formatLatency(performance.now() - startedAt);
      context.print(`${renderOutcome(report, context.colors)} ${context.colors.dim(took)}`);
      context.printJson({ ...report, elapsedMs: performance.now() - startedAt });
      if (report.problems.length > 0) context.note(renderProblems(report.problems, context.errorColors));
    } catch (thrown) {
      if (!this.#stopped) context.terminal.err(`${formatError(toCellError(thrown))}\n`);
    }
  }

  /** How many files are watched. A graph that does not load keeps the files of the one before. */
  async #watchAgain(): Promise<number> {
    const manifests = await manifestFiles(this.#paths);
    const directories: string[] = [];
    for (const path of this.#paths) {
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true) directories.push(path);
    }
    const { loadManifests } = await import("../manifest/load.ts");
    const loaded = await loadManifests(this.#paths).catch(() => undefined);
    if (loaded?.ok === true) this.#modules = await moduleFiles(loaded.value);
    if (this.#stopped) return 0;
    const files = [...manifests, ...this.#modules];
    this.#watch.set(files, directories);
    return files.length;
  }

  #modules: readonly string[] = [];
}
