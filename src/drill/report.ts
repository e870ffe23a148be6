// A whole drill: the machine, the seed, and a row for each cell of the matrix of layers 1
// to 4, whether it was drilled or not.
import type { FailureClass } from "../actors/child.ts";
import { CellError } from "../errors/cell-error.ts";
import { matrix } from "../supervisor/matrix.ts";
import { failureClasses, type Layer, layers } from "../supervisor/matrix-rules.ts";
import { catalogue } from "./catalogue.ts";
import { figuresOf, type Row } from "./row.ts";
import { type DrillOptions, runScenario } from "./run.ts";
import type { DrilledLayer, Isolation, Scenario } from "./scenario.ts";

export type Selection = {
  readonly layer?: Layer;
  /** A class of the matrix, or what is done: throw, kill... */
  readonly failure?: string;
  readonly isolation?: Isolation;
  readonly durable?: boolean;
};

export const drilledLayers = layers.filter((layer): layer is DrilledLayer => layer !== "swarm");

/** Every word that `--failure` takes. */
export const failureWords: readonly string[] = [
  ...new Set([...failureClasses, ...catalogue.map(({ kind }) => kind)]),
];

export const isSelected = (scenario: Scenario, { layer, failure, isolation, durable }: Selection): boolean =>
  (layer === undefined || scenario.layer === layer) &&
  (failure === undefined || scenario.failure === failure || scenario.kind === failure) &&
  (isolation === undefined || scenario.isolation === isolation) &&
  (durable === undefined || scenario.durable === durable);

export const selected = (selection: Selection): readonly Scenario[] =>
  catalogue.filter((scenario) => isSelected(scenario, selection));

/** Drills one scenario; what the cell does not have yet is a row too, and what went wrong is a red one. */
export async function rowOf(scenario: Scenario, options: DrillOptions): Promise<Row> {
  const { layer, failure, kind, isolation, durable } = scenario;
  const absent = (error: CellError): Row => ({
    state: isNotBuilt(error) ? "not drilled" : "broken",
    ...{ layer, failure, kind, isolation, durable },
    reason: error.message,
  });
  try {
    const measured = await runScenario(scenario, options);
    const [error] = measured.notInjected;
    return measured.trials.length > 0 || error === undefined ? figuresOf(scenario, measured) : absent(error);
  } catch (error) {
    if (error instanceof CellError) return absent(error);
    throw error;
  }
}

const NOT_BUILT: ReadonlySet<unknown> = new Set([
  "DRILL_NOT_BUILT",
  "MANIFEST_NOT_BUILT_YET",
  "ACTOR_ISOLATION_UNSUPPORTED",
  "ACTOR_DURABLE_UNSUPPORTED",
]);

const isNotBuilt = ({ code, details }: CellError): boolean =>
  NOT_BUILT.has(code) || NOT_BUILT.has(details.code);

/** Cells of the matrix that no scenario stands for: without a rule, or without a drill. */
export function absentRows(selection: Selection): readonly Row[] {
  const { layer: only, failure: word } = selection;
  return drilledLayers.flatMap((layer) => {
    if (only !== undefined && only !== layer) return [];
    return failureClasses.flatMap((failure) => {
      if (word !== undefined && word !== failure) return [];
      const row = absentRow(layer, failure);
      return row === undefined ? [] : [row];
    });
  });
}

function absentRow(layer: DrilledLayer, failure: FailureClass): Row | undefined {
  const rule = matrix[layer][failure];
  const cell = { layer, failure, kind: "" } as const;
  if (rule.kind === "notApplicable") return { state: "not applicable", ...cell, reason: rule.reason };
  if (catalogue.some((scenario) => scenario.layer === layer && scenario.failure === failure))
    return undefined;
  return { state: "not drilled", ...cell, reason: "no drill causes it yet" };
}
