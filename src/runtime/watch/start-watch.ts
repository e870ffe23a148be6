// Starts the thread that watches this one, and raises the beat that it looks for.
import { writeSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { currentlyInHand } from "../../actors/actor-context.ts";
import { setInHandMark } from "../../actors/in-hand.ts";
import { ownModule } from "../../actors/loader/own-package.ts";
import { IN_HAND, Pulse } from "./pulse.ts";
import type { WatcherData } from "./watcher.ts";

const BEAT_MS = 50;

export type Watch = {
  /** From now on a loop that does not turn is stuck; before, it may be busy starting. */
  begin(): void;
  /** The node itself is about to end its process: no actor's code does. */
  endsByItself(): void;
  stop(): Promise<void>;
};

/** @param descriptor where the cradle reads */
export function startWatch(descriptor: number): Watch {
  const pulse = new Pulse();
  setInHandMark(pulse);
  const inHand = () => pulse.inHand() ?? currentlyInHand();
  Object.defineProperty(globalThis, Symbol.for(IN_HAND), { value: inHand });
  // What ends the process from within is told exactly: an actor's code, or the node's own.
  let ownEnd = false;
  process.on("exit", () =>
    tell(descriptor, { beat: pulse.beats(), ...(ownEnd ? {} : { inHand: inHand() }) }),
  );
  const workerData: WatcherData = { buffer: pulse.buffer, descriptor };
  const worker = new Worker(fileURLToPath(ownModule("runtime/watch/watcher")), {
    workerData,
    name: "watcher",
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  worker.unref();
  let beating: NodeJS.Timeout | undefined;
  return {
    begin() {
      pulse.beat();
      beating ??= setInterval(() => pulse.beat(), BEAT_MS);
    },
    endsByItself() {
      ownEnd = true;
    },
    async stop() {
      clearInterval(beating);
      await worker.terminate();
    },
  };
}

/** A cradle that reads no more is gone, and wants to know nothing. */
function tell(descriptor: number, message: object): void {
  try {
    writeSync(descriptor, `${JSON.stringify(message)}\n`);
  } catch {}
}
