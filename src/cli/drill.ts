// `cell0 drill`: breaks a cell of its own in every way that the matrix has an answer for,
// and measures whether it holds.
import { type Command, InvalidArgumentError, Option } from "commander";
import { trialsOf } from "../drill/catalogue.ts";
import { type Machine, machine, type Versions, versions } from "../drill/machine.ts";
import { randomOf } from "../drill/random.ts";
import { absentRows, drilledLayers, failureWords, rowOf, type Selection, selected } from "../drill/report.ts";
import { isRed, type Row } from "../drill/row.ts";
import type { Scenario } from "../drill/scenario.ts";
import { CellError } from "../errors/cell-error.ts";
import { type Layer, layers } from "../supervisor/matrix-rules.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { DEFINITIONS, drillColumns, progressLine, scenarioLine } from "./drill-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { renderTable } from "./render/table.ts";
import { action } from "./session.ts";

type Options = Selection & {
  readonly trials: number;
  readonly trialsPerCell?: number;
  readonly seed?: number;
  readonly keep?: true;
  readonly list?: true;
};

const TRIALS = 20;
const MAX_TRIALS = 100_000;
const MAX_SEED = 2 ** 32 - 1;

export function registerDrill(program: Command): void {
  const command = program
    .command("drill")
    .description(
      "Start a cell of its own in a temporary directory, fail it for real in every way of layers 1 to 4 of the matrix, under a client's steady load, and print how long each recovery took and whether anything was lost or doubled. Nothing of your own cell is touched.",
    )
    .addOption(
      new Option("--layer <layer>", `1 to 4, or its name: ${drilledLayers.join(", ")}`).argParser(readLayer),
    )
    .addOption(
      new Option("--failure <kind>", "a class of the matrix, or what is done").choices([...failureWords]),
    )
    .addOption(
      new Option("--isolation <kind>", "where the actors run").choices(["shared", "worker", "process"]),
    )
    .option("--durable", "only durable actors")
    .addOption(
      new Option("--trials <count>", "failures for each row").argParser(count(MAX_TRIALS)).default(TRIALS),
    )
    .addOption(
      new Option(
        "--trials-per-cell <count>",
        "failures for each cell of the matrix, shared by the rows of it that are drilled, in place of --trials",
      )
        .argParser(count(MAX_TRIALS))
        .conflicts("trials"),
    )
    .addOption(
      new Option("--seed <number>", "repeats the moments of another drill").argParser(count(MAX_SEED)),
    )
    .option("--keep", "leave the directories of the cells behind")
    .option("--list", "only name what would be drilled")
    .action(action(drill));
  documented(command, {
    examples: [
      ["cell0 drill --layer actor --failure throw", "one way to fail, 20 times"],
      [
        "cell0 drill --layer 1 --trials-per-cell 1000 --json > layer1.json",
        "a layer; `npm run drill:docs -- layer1.json layer2.json` makes the page of several runs",
      ],
    ],
    exits: ["negative", "unreachable"],
    notes: DEFINITIONS,
  });
}

async function drill(context: Context, options: Options): Promise<ExitCode> {
  const { layer, failure, isolation, durable } = options;
  const selection: Selection = {
    ...(layer === undefined ? {} : { layer }),
    ...(failure === undefined ? {} : { failure }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(durable === undefined ? {} : { durable }),
  };
  const scenarios = selected(selection);
  const absent = isolation === undefined && durable === undefined ? absentRows(selection) : [];
  if (options.list === true) return list(context, scenarios, absent);
  const seed = options.seed ?? Math.floor(Math.random() * MAX_SEED);
  const { trials, trialsPerCell } = options;
  const share = trialsPerCell === undefined ? { trials } : { trialsPerCell };
  const head: Head = { machine: machine(), versions: await versions(), seed, ...share };
  const takenAt = new Date(context.terminal.now()).toISOString();
  context.note(headline(head));
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    if (context.signal.aborted) throw new CellError("CLI_INTERRUPTED");
    const own = trialsPerCell === undefined ? trials : trialsOf(scenario, trialsPerCell, scenarios);
    rows.push(await drillOne(context, scenario, { ...options, trials: own, seed }));
  }
  const all = [...rows, ...absent];
  context.print(renderTable(all, drillColumns(context.colors), context.colors));
  context.printJson({ takenAt, ...head, rows: all });
  const asked =
    layer !== undefined || failure !== undefined || isolation !== undefined || durable !== undefined;
  return verdict(all, asked);
}

/** What was asked for by name and could not be drilled is no success. */
export function verdict(rows: readonly Row[], asked: boolean): ExitCode {
  const missing = asked && !rows.some(({ state }) => state === "drilled");
  return rows.some(isRed) || missing ? exitCodes.negative : exitCodes.ok;
}

async function drillOne(
  context: Context,
  scenario: Scenario,
  { trials, seed, keep }: Pick<Options, "trials" | "keep"> & { readonly seed: number },
): Promise<Row> {
  const { openCell } = await import("../drill/cell.ts");
  const { systemClock } = await import("../drill/ports.ts");
  const { terminal, json } = context;
  const live = terminal.isTerminal.error && !json;
  const row = await rowOf(scenario, {
    trials,
    seed,
    clock: systemClock,
    random: randomOf(seed, scenario),
    open: (manifest, words) => openCell({ manifest, words, keep: keep === true }),
    signal: context.signal,
    onTrial: (done, result) => {
      if (live) terminal.err(progressLine(scenario, done, trials, result));
    },
  });
  if (live) terminal.err("\r\u001b[2K");
  // Hours may pass: a line a row, also where nobody looks at a table yet.
  terminal.err(`${scenarioLine(scenario, row)}\n`);
  return row;
}

function list(context: Context, scenarios: readonly Scenario[], absent: readonly Row[]): ExitCode {
  const rows = scenarios.map(
    ({ layer, failure, kind, isolation, durable, target, budgetMs, siblings, keeps }) => ({
      layer,
      failure,
      kind,
      isolation,
      durable,
      target: target(0),
      budgetMs,
      siblings: siblings.length,
      keeps,
    }),
  );
  context.print(
    renderTable(
      rows,
      [
        { title: "LAYER", value: ({ layer }) => layer },
        { title: "FAILURE", value: ({ failure }) => failure },
        { title: "DONE", value: ({ kind }) => kind },
        { title: "ISOLATION", value: ({ isolation }) => isolation },
        { title: "DURABLE", value: (row) => (row.durable ? "yes" : "no") },
        { title: "KEEPS", value: ({ keeps }) => keeps },
        { title: "BUDGET", align: "right", value: ({ budgetMs }) => `${budgetMs} ms` },
      ],
      context.colors,
    ),
  );
  context.printJson([...rows, ...absent]);
  return exitCodes.ok;
}

type Head = {
  readonly machine: Machine;
  readonly versions: Versions;
  readonly seed: number;
  /** Of each row, or of each cell of the matrix. */
  readonly trials?: number;
  readonly trialsPerCell?: number;
};

const headline = ({ machine: at, versions: of, seed, trials, trialsPerCell }: Head): string =>
  `${at.cores} cores, ${at.memoryGiB} GiB, ${at.platform}, load ${at.loadBefore}; cell0 ${of.cell0}, Node ${of.node}, ${of.broker}; seed ${seed}, ${trials === undefined ? `${trialsPerCell} trials a cell of the matrix` : `${trials} trials a row`}`;

function readLayer(text: string): Layer {
  const found = layers.find((layer, at) => layer === text || String(at + 1) === text);
  if (found !== undefined && found !== "swarm") return found;
  throw new InvalidArgumentError(`A layer is 1 to 4, or one of ${drilledLayers.join(", ")}.`);
}

function count(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${max}.`);
  };
}
