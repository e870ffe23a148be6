// Records a thousand events, one a turn of the event loop, says how many, and is killed
// by itself with what kill -9 sends. Run by event-log.test.ts.
import { setImmediate as turn } from "node:timers/promises";
import { EventLog } from "../../src/telemetry/event-log.ts";
import { createRecorder } from "../../src/telemetry/recorder.ts";

const [path = ""] = process.argv.slice(2);
const recorder = createRecorder({ node: "a", log: new EventLog({ path }) });
for (let i = 0; i < 1_000; i++) {
  recorder.record({ kind: { case: "actorLogged", value: { level: "info", message: `${i}` } } });
  await turn();
}
recorder.record({ kind: { case: "actorLogged", value: { level: "info", message: "lost" } } });
process.kill(process.pid, "SIGKILL");
