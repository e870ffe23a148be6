// One rotation at a time for a data directory: two at once would write each other's next key over.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CellError } from "../../errors/cell-error.ts";
import { isAlive, startTimeOf } from "../../runtime/lock.ts";
import type { Context } from "../context.ts";
import { writeNewFile } from "../identity-file.ts";

/** Throws CLI_ROTATION_PENDING while another one runs; what one that died left is taken over. */
export async function oneAtATime<T>({ dir }: Context, work: () => Promise<T>): Promise<T> {
  const path = join(dir.keys, "rotation.lock");
  await take(path);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Process and its start time, so that a number that serves again is not taken for it. */
async function take(path: string): Promise<void> {
  const own = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  try {
    await writeNewFile(path, own);
  } catch (error) {
    if (!(error instanceof CellError) || error.code !== "CLI_FILE_EXISTS") throw error;
    const holder = await readHolder(path);
    if (holder !== undefined && isAlive(holder)) {
      throw new CellError("CLI_ROTATION_PENDING", `process ${holder.pid} rotates a key of this directory`, {
        where: path,
        remedy: "Wait until it has ended.",
      });
    }
    await rm(path, { force: true });
    await writeNewFile(path, own);
  }
}

const holderSchema = z.object({ pid: z.int().positive(), startTime: z.string() });

/** Undefined for what a process left that died while it wrote. */
async function readHolder(path: string): Promise<z.infer<typeof holderSchema> | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}
