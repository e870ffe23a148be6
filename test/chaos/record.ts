// The record of runs, which a page is made from: a file of JSON that each run is added to,
// whatever it found.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { machine, versions } from "../../src/drill/machine.ts";
import type { ChaosReport } from "./run.ts";

const count = z.int().min(0);
const startSchema = z.object({
  takenAt: z.string(),
  minutes: z.number(),
  machine: z.object({
    cores: z.int(),
    memoryGiB: z.number(),
    processor: z.string(),
    platform: z.string(),
    loadBefore: z.number(),
  }),
  versions: z.object({ cell0: z.string(), node: z.string(), broker: z.string() }),
});
const runSchema = startSchema.extend({
  seed: z.int(),
  form: z.enum(["durable", "volatile"]),
  everyMs: z.number(),
  /** By kind; those that struck. */
  kills: z.record(z.string(), count),
  sent: count,
  /** Answered by the cell: none of them may be lost. */
  accepted: count,
  slowestMs: z.number(),
  forwarded: count,
  fired: count,
  letters: count,
  lives: count,
  records: count,
  unseen: count,
  lost: count,
  doubled: count,
  disordered: count,
  /** Everything that speaks against the cell, those above included; empty: nothing. */
  findings: z.array(z.string()),
});
const recordSchema = z.object({ runs: z.array(runSchema) });

type Start = z.infer<typeof startSchema>;
export type Run = z.infer<typeof runSchema>;

/** On what, and when: taken before the load makes its own. */
export const startOf = async (minutes: number): Promise<Start> => ({
  takenAt: new Date().toISOString(),
  minutes,
  machine: machine(),
  versions: await versions(),
});

export function runOf(start: Start, { seed, form, everyMs, kills, verdict, faults }: ChaosReport): Run {
  const { sent, answered, slowestMs, forwarded, fired, letters, lives, records, unseen } = verdict;
  return {
    ...start,
    ...{ seed, form, everyMs, kills: { ...kills }, sent, accepted: answered, slowestMs },
    ...{ forwarded, fired, letters, lives, records, unseen },
    lost: verdict.lost.length,
    doubled: verdict.duplicated.length,
    disordered: verdict.disordered.length,
    findings: [...faults],
  };
}

export const readRuns = (text: string): readonly Run[] => recordSchema.parse(JSON.parse(text)).runs;

export function appendRun(file: string, run: Run): void {
  const before = existsSync(file) ? readRuns(readFileSync(file, "utf8")) : [];
  writeFileSync(file, `${JSON.stringify({ runs: [...before, run] }, undefined, 1)}\n`);
}
