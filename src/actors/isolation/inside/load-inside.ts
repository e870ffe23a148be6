// Loads the behaviour that the node named, on the actor's side: the very code whose
// hash the node has checked.
import type { Behaviour } from "../../behaviour.ts";
import { behaviourIn, importModule } from "../../loader/load-behaviour.ts";
import { setPackageOrigin } from "./package-origin.ts";
import type { Start } from "./run-inside.ts";

/** @throws CellError ACTOR_BEHAVIOUR_THREW, _EXPORT_UNKNOWN, _INVALID */
export async function loadInside(start: Start): Promise<Behaviour> {
  const { module, export: exported, codeHash, packagesFrom } = start;
  setPackageOrigin(module, packagesFrom);
  const exports = await importModule(module, codeHash, (url) => import(url));
  return behaviourIn(exports, { module, export: exported });
}
