// The program of a worker thread: waits until it is told which actor to be.
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { registerBehaviourResolution } from "../../loader/resolve-hook.ts";
import { loadInside } from "../inside/load-inside.ts";
import { lockAll } from "../inside/lock.ts";
import { preload } from "../inside/preload.ts";
import { runInside } from "../inside/run-inside.ts";
import { Credit } from "./credit.ts";

// Read already; an actor has no environment.
const typescript = process.env.NODE_COMPILE_CACHE === undefined;
delete process.env.NODE_COMPILE_CACHE;
const port = parentPort;
const shared: unknown = workerData;
if (port === null || !(shared instanceof SharedArrayBuffer)) throw new Error("this is no program by itself");
const credit = new Credit(shared);

const inside = runInside({
  write(bytes) {
    credit.spend(bytes.byteLength);
    port.postMessage(bytes);
  },
  load: loadInside,
  // The node ends the thread as soon as it has read the last word.
  done: () => {},
});
port.on("message", (chunk: Uint8Array) => inside.take(chunk));
process.on("uncaughtException", (error) => inside.stray(error));
process.on("unhandledRejection", (error) => inside.stray(error));
// No hook of the module system can be set after this.
registerBehaviourResolution();
lockAll();
await preload({ isIdle: () => inside.isIdle, typescript });
inside.ready();
