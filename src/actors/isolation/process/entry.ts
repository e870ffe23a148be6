// The program of an actor's process: waits on its inherited channel until it is
// told which actor to be. Started without environment, files, network or privileges.
import { Socket } from "node:net";
import process from "node:process";
import { registerBehaviourResolution } from "../../loader/resolve-hook.ts";
import { loadInside } from "../inside/load-inside.ts";
import { lockAll } from "../inside/lock.ts";
import { registerPackageOrigin } from "../inside/package-origin.ts";
import { preload } from "../inside/preload.ts";
import { runInside } from "../inside/run-inside.ts";

const TYPESCRIPT = "typescript";
/** After standard input, output and error. */
const CHANNEL = 3;

/** The node ends this process once it has read the last word; without it the process ends itself. */
const LAST_WORD_MS = 10_000;

/** Its one argument says what is expected; an actor has none. */
const typescript = process.argv.splice(2).includes(TYPESCRIPT);
const exit = process.exit.bind(process);
const channel = new Socket({ fd: CHANNEL, readable: true, writable: true });
const inside = runInside({
  write: (bytes) => void channel.write(bytes),
  load: loadInside,
  done: leave,
});
channel.on("data", (chunk: Uint8Array) => inside.take(chunk));
// The node is gone, or has no more use for this process.
channel.on("end", () => exit(0));
channel.on("error", () => exit(0));
process.on("uncaughtException", (error) => inside.stray(error));
process.on("unhandledRejection", (error) => inside.stray(error));
// No hook of the module system can be set after this.
registerBehaviourResolution();
registerPackageOrigin();
lockAll();
await preload({ isIdle: () => inside.isIdle, typescript });
inside.ready();

/**
 * Waits to be ended: what the node still writes to a process that is gone would break its
 * channel, with the last word unread in it.
 */
function leave(): void {
  channel.end();
  setTimeout(() => exit(0), LAST_WORD_MS);
}
