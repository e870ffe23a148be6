// Entry of the node process: started by the cradle with the data directory, and
// with `--standby` while another one runs, it prepares itself, takes up work when it
// is told to, says over IPC when it is up, and stops when it is told to, or when its
// parent is gone.
import { flushCompileCache } from "node:module";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { attributeAsyncFailure } from "../actors/actor-context.ts";
import { longWork } from "../actors/in-hand.ts";
import { CellError } from "../errors/cell-error.ts";
import { prepareNode, type RunningNode } from "../runtime.ts";
import type { Suspect } from "../supervisor/cradle/process-spec.ts";
import { readCradleMessage } from "./cradle-messages.ts";
import { dataDir } from "./data-dir.ts";
import { MAX_SHOWN_ACTORS } from "./node-status.ts";
import { DRAIN_TIMEOUT_MS, STANDBY } from "./processes.ts";
import { rehearse } from "./rehearsal/rehearse.ts";
import { startWatch, type Watch } from "./watch/start-watch.ts";

/** Where the cradle hears the watching thread. */
const BEATS_DESCRIPTOR = 4;

/** Between two rehearsed failures of a node that serves. */
const REHEARSAL_PAUSE_MS = 5;

/** In the place of the data directory: all is loaded by now, and kept compiled for the starts to come. */
const WARM = "--warm";

const [, , root, mode] = process.argv;
if (root === WARM) {
  flushCompileCache();
  process.exit(0);
}
if (root === undefined) throw new CellError("CELL_NOT_FOUND", "the data directory was not named");

const stopping = Promise.withResolvers<string>();
const promoted = Promise.withResolvers<readonly Suspect[]>();
let node: RunningNode | undefined;
let watch: Watch | undefined;
process.on("message", (message) => {
  const said = readCradleMessage(message);
  if (said?.type === "stop") stopping.resolve("asked by the cradle");
  if (said?.type === "promote") promoted.resolve(said.suspects);
  if (said?.type === "recovered" && node !== undefined) {
    node.recovered(said.recovery);
    process.send?.({ type: "recorded" });
  }
});
process.once("disconnect", () => stopping.resolve("the cradle is gone"));
process.once("SIGTERM", () => stopping.resolve("SIGTERM"));
process.once("SIGINT", () => stopping.resolve("SIGINT"));

// What an actor's own code threw where nobody awaits it ends that actor; anything else is
// taken for the kernel's, which is built anew. A process that is not up yet, or a Node that
// finds itself broken, ends, and its parent starts it again.
const stray = (error: unknown) => {
  if (attributeAsyncFailure(error)) return;
  if (node === undefined || isOfNode(error)) giveUp(error);
  log(error);
  node.strayed(error);
};
process.on("uncaughtException", stray);
process.on("unhandledRejection", stray);

try {
  watch = startWatch(BEATS_DESCRIPTOR);
  const standing = await prepareNode(dataDir(root), mode === STANDBY);
  process.send?.({ type: "standby" });
  const rehearsing = new AbortController();
  if (mode === STANDBY) void prepareForFailures(rehearsing.signal);
  const suspects = await Promise.race([promoted.promise, stopping.promise]);
  if (typeof suspects === "string") process.exit(0);
  rehearsing.abort();
  node = await standing.promote({
    suspects,
    onFatal: giveUp,
  });
  watch.begin();
  const status = node.status();
  // It passes through the cradle, which has little memory.
  const shown = status.actors <= MAX_SHOWN_ACTORS ? { tree: node.tree() } : {};
  process.send?.({ type: "ready", status, ...shown });
  if (mode !== STANDBY) void prepareForFailures();
  const reason = await stopping.promise;
  await node.stop(reason, DRAIN_TIMEOUT_MS);
  watch.endsByItself();
  process.exit(0);
} catch (error) {
  giveUp(error);
}

/** Runs what a failure runs, then keeps what is compiled: who is killed writes nothing for the starts to come. */
async function prepareForFailures(signal?: AbortSignal): Promise<void> {
  await rehearse(signal === undefined ? { pause: () => setTimeout(REHEARSAL_PAUSE_MS) } : { signal });
  if (signal?.aborted === true) return;
  longWork(() => flushCompileCache());
}

/** The node cannot go on: its parent starts it again. */
function giveUp(error: unknown): never {
  report(error);
  watch?.endsByItself();
  process.exit(1);
}

function isOfNode(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INTERNAL_ASSERTION";
}

/** Into the node's log, and to the cradle, for the screen. */
function report(error: unknown): void {
  const text = log(error);
  const known = error instanceof CellError;
  process.send?.({
    type: "failed",
    error: known ? { code: error.code, message: error.message } : { message: text },
  });
}

/** The node's log is this process's standard error. */
function log(error: unknown): string {
  const text =
    error instanceof CellError
      ? `${error.code}: ${error.message}; ${error.where ?? ""}; ${error.remedy}`
      : String(error);
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
  for (let at: unknown = error; at instanceof Error; at = at.cause) process.stderr.write(`${at.stack}\n`);
  return text;
}
