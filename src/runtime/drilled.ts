// What a cell that `cell0 drill` started has, and no other: an actor that offers faults on
// demand, and, where the drill asks for it, bounds that a thousand failures do not exceed.
// CELL0_DRILL says so: `1`; or words of those below, separated by commas.
import process from "node:process";
import { matrix as trueMatrix } from "../supervisor/matrix.ts";
import type { ResurrectionMatrix } from "../supervisor/matrix-rules.ts";
import { RAISED, raisedBounds } from "../supervisor/raised-bounds.ts";

export type DrillWord =
  /** Bounds on the deaths of kernel and process are out of reach; a spare is made at once. */
  | "raised"
  /** The node's own supervisors give up at the first failure: a hang need not be noticed eleven times. */
  | "brittle-kernel"
  /** The node's process has a small heap, so that it fills at once. */
  | "small-heap";

const said: ReadonlySet<string> = new Set((process.env.CELL0_DRILL ?? "").split(",").filter(Boolean));
const has = (word: DrillWord): boolean => said.has(word);

export const isDrilled = said.size > 0;

/** By which this node answers failures. */
export const matrix: ResurrectionMatrix = has("raised") ? raisedBounds(trueMatrix) : trueMatrix;

/** Of the node's own supervisors, within ten seconds. */
export const kernelIntensity = has("brittle-kernel") ? 0 : 10;

/** Rebuilds of the kernel by hand within a minute: beyond it they would be a spin. */
export const rebuildsByHand = has("raised") ? RAISED : 30;

/** Between a process's being ready and the start of the one that stands by: it has work to do first. */
export const spareDelayMs = has("raised") ? 50 : 500;

export const heapArgs: readonly string[] = has("small-heap") ? ["--max-old-space-size=256"] : [];
