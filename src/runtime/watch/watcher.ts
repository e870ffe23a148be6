// The thread that watches the main thread of a node: it never runs anybody else's
// code, so that nothing an actor does can hold it up. It tells the cradle that it
// lives, and when the main thread is stuck, where. When the cradle is gone, or does
// not act, it ends the process itself.
import { writeSync } from "node:fs";
import process from "node:process";
import { workerData } from "node:worker_threads";
import { CellError } from "../../errors/cell-error.ts";
import { decideWatch, firstLook, isStarved, type Look } from "./decide-watch.ts";
import { lookAtMainThread, mainThreadStack } from "./main-thread.ts";
import { Pulse } from "./pulse.ts";

export type WatcherData = { readonly buffer: SharedArrayBuffer; readonly descriptor: number };

const LOOK_MS = 50;
/** The cradle kills what is stuck; when it has not by then, the process ends itself. */
const CRADLE_GRACE_MS = 500;
/** After it took up work. */
const YOUNG_MS = 3_000;
const MAX_STACK_CHARS = 16_000;

const { buffer, descriptor } = dataOf(workerData);
const pulse = new Pulse(buffer);
let beganMs: number | undefined;
const look = (): Look => ({
  nowMs: performance.now(),
  beats: pulse.beats(),
  ...lookAtMainThread(process.pid),
  young: beganMs === undefined || performance.now() - beganMs < YOUNG_MS,
});

let state = firstLook(look());
let stack: { readonly text: string | undefined; readonly takenMs: number } | undefined;
let condemned = false;

setInterval(() => {
  tell({ beat: state.beats, inHand: pulse.inHand() });
  if (pulse.beats() === 0) return;
  beganMs ??= performance.now();
  const seen = look();
  const decision = decideWatch(state, seen, stack?.takenMs);
  state = decision.state;
  if (!state.suspected) stack = undefined;
  if (decision.effect === "takeStack") void takeStack(isStarved(state, seen));
  if (decision.effect === "condemn" && !condemned) condemn();
}, LOOK_MS);

async function takeStack(starved: boolean): Promise<void> {
  const text = await mainThreadStack(starved);
  stack = { text, takenMs: performance.now() };
}

function condemn(): void {
  condemned = true;
  const stuckMs = Math.round(performance.now() - state.sinceMs);
  tell({ stuck: { stuckMs, stack: stack?.text?.slice(0, MAX_STACK_CHARS), inHand: pulse.inHand() } });
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
