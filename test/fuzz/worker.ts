// The thread that a campaign runs in: what never ends there can be ended from outside.
import { parentPort, workerData } from "node:worker_threads";
import { campaign } from "./campaign.ts";
import { targets } from "./targets.ts";
import type { Task } from "./watch.ts";

const { target: name, seed, ms, progress }: Task = workerData;
const target = targets.find((each) => each.name === name);
if (target === undefined) throw new RangeError(`there is no target \`${name}\``);
const report = campaign(target, {
  seed,
  ms,
  onInput: (batch, run) => {
    Atomics.store(progress, 0, batch);
    Atomics.store(progress, 1, run);
    Atomics.add(progress, 2, 1);
  },
});
parentPort?.postMessage(report);
