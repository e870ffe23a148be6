// `cell0 matrix`: what is done about which failure, at which layer. Needs no cell.
import { type Command, InvalidArgumentError, Option } from "commander";
import { matrix } from "../supervisor/matrix.ts";
import { failureClasses, type Layer, layers } from "../supervisor/matrix-rules.ts";
import {
  absenceText,
  budgetText,
  countingText,
  escalationText,
  layerName,
  type MatrixRow,
  matrixRows,
} from "../supervisor/matrix-table.ts";
import type { Colors } from "./context.ts";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Column, renderTable } from "./render/table.ts";
import { action } from "./session.ts";

type Choice = { readonly layer?: Layer; readonly failure?: string };

export function registerMatrix(program: Command): void {
  const command = program
    .command("matrix")
    .description(
      "Show the resurrection matrix: for each layer and class of failure how it is noticed, what is done, within which time, and what follows when that does not help.",
    )
    .addOption(
      new Option("--layer <layer>", `1 to 5, or its name: ${layers.join(", ")}`).argParser(readLayer),
    )
    .addOption(new Option("--failure <class>", "one class of failure").choices([...failureClasses]))
    .action(
      action(async (context, { layer, failure }: Choice) => {
        const rows = matrixRows(matrix).filter(
          (row) =>
            (layer === undefined || row.layer === layer) &&
            (failure === undefined || row.failure === failure),
        );
        context.print(renderMatrix(rows, context.colors));
        context.printJson(rows);
        return exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [
      ["cell0 matrix --layer actor", "what is done for a single actor"],
      ["cell0 matrix --failure hang --json", "one class at all layers, as JSON"],
    ],
    exits: [],
  });
}

export function renderMatrix(rows: readonly MatrixRow[], colors: Colors): string {
  const columns: readonly Column<MatrixRow>[] = [
    { title: "LAYER", value: ({ layer }) => layerName(layer) },
    { title: "FAILURE", value: ({ failure }) => failure },
    { title: "ACTION", value: (row) => (row.kind === "rule" ? colors.green(row.action) : colors.dim("-")) },
    { title: "BUDGET", value: budgetText },
    { title: "COUNTED BY", value: (row) => (row.kind === "rule" ? countingText(row.counting) : "-") },
    { title: "BEYOND IT", value: escalationText },
    {
      title: "NOTICED BY",
      value: (row) => (row.kind === "rule" ? row.detector : colors.dim(absenceText(row))),
    },
  ];
  return renderTable(rows, columns, colors);
}

function readLayer(text: string): Layer {
  const found = layers.find((layer, at) => layer === text || String(at + 1) === text);
  if (found === undefined)
    throw new InvalidArgumentError(`A layer is 1 to 5, or one of ${layers.join(", ")}.`);
  return found;
}
