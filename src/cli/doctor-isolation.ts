// What this machine puts around an actor in a process of its own: found out by
// starting one, so that what is said here is what such an actor gets.

import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LayerName, Layers } from "../actors/isolation/process/layers.ts";
import { openProcesses } from "../actors/isolation/process/processes.ts";
import { type CheckResult, checked, good, note } from "./doctor-check.ts";

const LAYERS: readonly (readonly [layer: LayerName, has: string])[] = [
  ["user", "each process has a user of its own"],
  ["network", "each process has an empty network of its own"],
  ["privileges", "no new privileges, and it ends with its node"],
  ["limits", "no files written, bounded descriptors and threads"],
  ["memory", "memory is bounded beyond the heap"],
  ["cgroup", "memory and processors are bounded by a cgroup"],
];

export async function isolationChecks(): Promise<readonly CheckResult[]> {
  const codeRoot = join(tmpdir(), `cell0-doctor-${process.pid}`);
  const processes = openProcesses(codeRoot);
  try {
    const found: CheckResult[] = [];
    const whole = await checked(
      "process",
      "See the message; `isolation: worker` works without.",
      async () => {
        const layers = await processes.layers();
        found.push(...layerChecks(layers));
        return good("process", "an actor can have a process of its own, under Node's permission model");
      },
    );
    return [whole, ...found];
  } finally {
    await processes.close();
    await rm(codeRoot, { recursive: true, force: true });
  }
}

/** A layer that is missing is no fault of the machine: it is said, and `sandbox: required` refuses. */
export function layerChecks({ missing }: Layers): readonly CheckResult[] {
  return LAYERS.map(([layer, has]) => {
    const why = missing[layer];
    const name = `${layer} of processes`;
    return why === undefined ? good(name, has) : note(name, `weaker here: ${why}`);
  });
}
