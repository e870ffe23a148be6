// Writes docs/matrix.md from src/supervisor/matrix.ts. A test fails when it is not what
// this makes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { matrix } from "../src/supervisor/matrix.ts";
import { layerNumber, layers } from "../src/supervisor/matrix-rules.ts";
import {
  absenceText,
  budgetText,
  countingText,
  escalationText,
  type MatrixRow,
  matrixRows,
} from "../src/supervisor/matrix-table.ts";
import { checkout } from "./setup/paths.mjs";

const scopes = {
  actor: "One actor, in place; its siblings go on untouched.",
  subtree:
    "The group that a strategy names, or a supervisor with all below it once its intensity is exceeded.",
  kernel: "The node's whole actor system, inside its process.",
  process: "The node's process; the cradle, a tiny parent, brings it back.",
  swarm: "The actors of a node that is gone or expelled, on the nodes that remain.",
} as const;

export function matrixPage(): string {
  const rows = matrixRows(matrix);
  const lines = [
    "# The resurrection matrix",
    "",
    "<!-- Made by `npm run generate` from src/supervisor/matrix.ts; do not edit. -->",
    "",
    "Five layers, each the smallest scope that the one before failed to heal in, by eight classes of",
    "failure. The supervisors read their rules from the same data; `cell0 matrix` prints it. Budgets are",
    "p99, from the failure (a hang: from its detection) to the first intent answered by the new incarnation.",
    "*Counted by* is the bound of the action, *beyond it* what follows when the bound is exceeded or the",
    "action fails. What a sender can cause at will never climbs above layer 2: the actor is parked.",
  ];
  for (const layer of layers) {
    lines.push("", `## Layer ${layerNumber(layer)}: ${layer}`, "", scopes[layer], "");
    lines.push("| failure | noticed by | action | budget | counted by | beyond it |");
    lines.push("| --- | --- | --- | --- | --- | --- |");
    lines.push(...rows.filter((row) => row.layer === layer).map(line));
  }
  return `${lines.join("\n")}\n`;
}

function line(row: MatrixRow): string {
  const cells =
    row.kind === "rule"
      ? [row.detector, row.action, budgetText(row), countingText(row.counting), escalationText(row)]
      : [`*${absenceText(row)}*`, "-", "-", "-", "-"];
  return `| ${[row.failure, ...cells].join(" | ")} |`;
}

if (import.meta.main) writeFileSync(join(checkout.root, "docs", "matrix.md"), matrixPage());
