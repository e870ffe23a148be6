// Loads ahead what every behaviour imports, so that a spare has it at hand.
import { ownEntry } from "../../loader/own-package.ts";

export async function preload(): Promise<void> {
  const own = ownEntry("cell0");
  if (own !== undefined) await import(own);
}
