// The thread that watches the main thread of a node: it never runs anybody else's
// code, so that nothing an actor does can hold it up. It tells the cradle that it
// lives, and when the main thread is stuck, where. When the cradle is gone, or does
// not act, it ends the process itself.
import { writeSync } from "node:fs";
import process from "node:process";
import { workerData } from "node:worker_threads";
import { CellError } from "../../errors/cell-error.ts";
import { decideWatch, firstLook, isStarved, type Look } from "./decide-watch.ts";
import { lookAtMainThread, mainThreadStand, type Stand } from "./main-thread.ts";
import { type InHand, Pulse } from "./pulse.ts";

export type WatcherData = { readonly buffer: SharedArrayBuffer; readonly descriptor: number };

const LOOK_MS = 50;
/** The cradle kills what is stuck; when it has not by then, the process ends itself. */
const CRADLE_GRACE_MS = 500;
/** After it took up work. */
const YOUNG_MS = 1_000;
const MAX_STACK_CHARS = 16_000;
/** More than there are looks while a process starts. */
const MOST_LOOKS = 1_000_000_000;

const { buffer, descriptor } = dataOf(workerData);
const pulse = new Pulse(buffer);
let busy = 0;
let beganMs: number | undefined;
const look = (): Look => ({
  nowMs: performance.now(),
  beats: turns(),
  ...lookAtMainThread(process.pid),
  young: beganMs === undefined || performance.now() - beganMs < YOUNG_MS,
  long: pulse.long(),
});

let state = firstLook(look());
let stand: { readonly found: Stand | undefined; readonly takenMs: number } | undefined;
let condemned = false;

setInterval(() => {
  tell({ beat: state.beats, inHand: inHand() });
  if (pulse.beats() > 0) beganMs ??= performance.now();
  const seen = look();
  const decision = decideWatch(state, seen, stand?.takenMs, stand?.found !== undefined);
  state = decision.state;
  if (!state.suspected) stand = undefined;
  if (decision.effect === "takeStack") void takeStack(isStarved(state, seen));
  if (decision.effect === "condemn" && !condemned) condemn();
}, LOOK_MS);

async function takeStack(starved: boolean): Promise<void> {
  const found = await mainThreadStand(starved);
  stand = { found, takenMs: performance.now() };
}

/**
 * What rises while the main thread goes on. Until it has taken up work its loop may be busy
 * starting: then only one actor's code that does not return counts as standing still.
 */
function turns(): number {
  const beats = pulse.beats();
  if (beats > 0) return beats;
  busy += 1;
  return pulse.inHand() === undefined ? -busy : -MOST_LOOKS - pulse.steps();
}

/** While it is suspected also what only its stack says. */
function inHand(): InHand | undefined {
  return pulse.inHand() ?? stand?.found?.inHand;
}

function condemn(): void {
  condemned = true;
  const stuckMs = Math.round(performance.now() - state.sinceMs);
  tell({ stuck: { stuckMs, stack: stand?.found?.stack.slice(0, MAX_STACK_CHARS), inHand: inHand() } });
  setTimeout(end, CRADLE_GRACE_MS);
}

/** A cradle that reads no more is gone. */
function tell(message: object): void {
  try {
    writeSync(descriptor, `${JSON.stringify(message)}\n`);
  } catch (error) {
    const full = error instanceof Error && "code" in error && error.code === "EAGAIN";
    if (!full) end();
  }
}

function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function dataOf(data: unknown): WatcherData {
  if (typeof data === "object" && data !== null && "buffer" in data && "descriptor" in data) {
    const given = data;
    if (given.buffer instanceof SharedArrayBuffer && typeof given.descriptor === "number")
      return { buffer: given.buffer, descriptor: given.descriptor };
  }
  throw new CellError("CELL_PROCESS_FAILED", "the watching thread was not told what to watch");
}
