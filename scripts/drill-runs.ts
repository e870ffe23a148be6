// What `cell0 drill --json` printed, of one run or of several: each row stays with the run that
// it is from, its seed, date and machine. Where two runs have a row, the later one counts.
import { z } from "zod";
import { failureClasses, layers } from "../src/supervisor/matrix-rules.ts";

const figure = z.number().nullable();
const cell = { layer: z.enum(layers), failure: z.enum(failureClasses), kind: z.string() };
const drilled = z.object({
  state: z.literal("drilled"),
  ...cell,
  isolation: z.string(),
  durable: z.boolean(),
  trials: z.int(),
  recovered: z.int(),
  p50Ms: figure,
  p99Ms: figure,
  maxMs: figure,
  budgetMs: z.number(),
  budgetNote: z.string().optional(),
  lost: z.int(),
  duplicated: z.int(),
  siblings: z.int(),
  siblingsDisturbed: z.int(),
  faults: z.array(z.string()),
});
const absent = z.object({
  state: z.enum(["not applicable", "not drilled", "broken"]),
  ...cell,
  isolation: z.string().optional(),
  durable: z.boolean().optional(),
  reason: z.string(),
});
const run = z.object({
  takenAt: z.string(),
  machine: z.object({
    cores: z.int(),
    memoryGiB: z.number(),
    processor: z.string(),
    platform: z.string(),
    loadBefore: z.number(),
  }),
  versions: z.object({ cell0: z.string(), node: z.string(), broker: z.string() }),
  seed: z.int(),
  trials: z.int().optional(),
  trialsPerCell: z.int().optional(),
  // What the page does not show is kept beside it all the same.
  rows: z.array(z.discriminatedUnion("state", [drilled.loose(), absent.loose()])),
});
const several = z.object({ runs: z.array(run).min(1) });

export type Run = z.infer<typeof run>;
export type Row = Run["rows"][number] & {
  /** Number of the run that it is from, from 1. */
  readonly run: number;
};

/** The runs of one file: as the drill prints one, or as `docs/drill.json` keeps several. */
export function readRuns(text: string): readonly Run[] {
  const value: unknown = JSON.parse(text);
  const kept = several.safeParse(value);
  return kept.success ? kept.data.runs : [run.parse(value)];
}

/** All rows in the order of the matrix; what a run could not drill gives way to what another did. */
export function mergedRows(runs: readonly Run[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const [at, { rows: own }] of runs.entries()) {
    for (const row of own) rows.set(nameOf(row), { ...row, run: at + 1 });
  }
  const cells = new Set([...rows.values()].filter(({ kind }) => kind !== "").map(cellOf));
  return [...rows.values()]
    .filter((row) => row.kind !== "" || !cells.has(cellOf(row)))
    .toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** The runs of which a row still counts. */
export function runsInForce(runs: readonly Run[]): readonly Run[] {
  const used = new Set(mergedRows(runs).map(({ run: number }) => number));
  return runs.filter((_, at) => used.has(at + 1));
}

type Named = Pick<Row, "layer" | "failure" | "kind" | "isolation" | "durable">;

const cellOf = ({ layer, failure }: Named): string => `${layer}/${failure}`;
const nameOf = (row: Named): string => [cellOf(row), row.kind, row.isolation, row.durable].join("/");
const placeOf = ({ layer, failure }: Named): number =>
  layers.indexOf(layer) * failureClasses.length + failureClasses.indexOf(failure);
