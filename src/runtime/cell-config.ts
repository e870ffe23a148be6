// cell.json: what a node knows of its cell before it has spoken to anyone.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import type { DataDir } from "./data-dir.ts";

const token = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);

export const brokerSyncSchema = z.enum(["1s", "always"]);
/** `always`: nothing is acknowledged before it is on the disk; `1s`: it is there within a second. */
export type BrokerSync = z.infer<typeof brokerSyncSchema>;

export const cellConfigSchema = z.strictObject({
  version: z.literal(1),
  cell: token,
  node: token,
  broker: z.strictObject({
    /** Where clients connect. */
    url: z.string().max(512),
    /** Whether this node's cradle runs the broker. */
    embedded: z.boolean(),
    /** Port of the embedded broker; chosen at first start and kept. */
    port: z.int().min(1).max(65_535).optional(),
    /** Of the embedded broker: what a power loss may take of its last writes; default "1s". */
    sync: brokerSyncSchema.optional(),
  }),
  /** Whether a second node process stands by; default true. */
  spare: z.boolean().optional(),
});

export type CellConfig = z.infer<typeof cellConfigSchema>;

/** Undefined: another node's cradle, or somebody else, runs the broker. */
export const brokerSyncOf = ({ broker }: Pick<CellConfig, "broker">): BrokerSync | undefined =>
  broker.embedded ? (broker.sync ?? "1s") : undefined;

/** Throws CELL_NOT_FOUND when no cell was made here, CELL_CONFIG_INVALID when the file cannot be trusted. */
export async function readCellConfig(dir: DataDir): Promise<CellConfig> {
  let text: string;
  try {
    text = await readFile(dir.cell, "utf8");
  } catch (cause) {
    throw new CellError("CELL_NOT_FOUND", "there is no cell in this directory", { where: dir.root, cause });
  }
  try {
    return cellConfigSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CellError("CELL_CONFIG_INVALID", "cell.json is damaged", { where: dir.cell, cause });
  }
}
