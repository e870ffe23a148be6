// Loads and does ahead what every actor needs, so that a spare has it at hand: step by
// step, and only as long as nobody is to be started here.
import { stripTypeScriptTypes } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { ownEntry } from "../../loader/own-package.ts";
import { rehearse } from "./rehearse.ts";

export type PreloadOptions = {
  /** Whether nothing was asked of this side yet. */
  readonly isIdle: () => boolean;
  /** Whether behaviours written in TypeScript are expected: what takes their types away loads slowly. */
  readonly typescript: boolean;
};

export async function preload({ isIdle, typescript }: PreloadOptions): Promise<void> {
  const steps: readonly (() => unknown)[] = [
    importOwn,
    ...(typescript ? [() => stripTypeScriptTypes("const one: number = 1;")] : []),
    () => rehearse(false),
    () => rehearse(true),
  ];
  for (const step of steps) {
    // What was sent by now is heard of first.
    await turn();
    if (!isIdle()) return;
    await step();
  }
}

async function importOwn(): Promise<void> {
  const own = ownEntry("cell0");
  if (own !== undefined) await import(own);
}
