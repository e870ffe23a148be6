// Starts the thread that watches this one, and raises the beat that it looks for.
import { Worker } from "node:worker_threads";
import { setInHandMark } from "../../actors/in-hand.ts";
import { modulePath } from "../package-info.ts";
import { Pulse } from "./pulse.ts";
import type { WatcherData } from "./watcher.ts";

const BEAT_MS = 50;

export type Watch = {
  /** From now on a loop that does not turn is stuck; before, it may be busy starting. */
  begin(): void;
  stop(): Promise<void>;
};

/** @param descriptor where the cradle reads */
export function startWatch(descriptor: number): Watch {
  const pulse = new Pulse();
  setInHandMark(pulse);
  const workerData: WatcherData = { buffer: pulse.buffer, descriptor };
  const worker = new Worker(modulePath("runtime/watch/watcher.ts"), {
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
    async stop() {
      clearInterval(beating);
      await worker.terminate();
    },
  };
}
