// A disk of a few blocks, for what must hold when it takes nothing more. Mounting one needs
// rights that not every machine gives to its tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SmallDisk = {
  readonly directory: string;
  /** From now on nothing can be written to it. */
  fill(): void;
  free(): void;
};

const run = (command: string, ...args: readonly string[]) => spawnSync(command, args, { stdio: "ignore" });
const BLOCK_BYTES = 4_096;

export const canMount: boolean = (() => {
  const probe = mount();
  if (probe !== undefined) unmount(probe);
  return probe !== undefined;
})();

export async function withSmallDisk<T>(work: (disk: SmallDisk) => Promise<T>): Promise<T> {
  const directory = mount();
  if (directory === undefined) throw new Error("this machine does not let its tests mount a disk");
  const filling = join(directory, "filling");
  try {
    return await work({ directory, fill: () => fill(filling), free: () => rmSync(filling) });
  } finally {
    unmount(directory);
  }
}

function mount(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "cell0-disk-"));
  const made = run("mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", directory);
  if (made.status === 0) return directory;
  rmdirSync(directory);
  return undefined;
}

function unmount(directory: string): void {
  // What is open on it still goes with it.
  run("umount", "--lazy", directory);
  rmdirSync(directory);
}

function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(BLOCK_BYTES), { flag: "a" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
