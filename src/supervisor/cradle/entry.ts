// Entry of the cradle's process. It is told what to run over its channel, runs it, and
// says what happens. It opens no file but its children's logs, reads no key and no
// manifest, and has no connection but those to its children; when whoever started it is
// gone, its children are ended.
import process from "node:process";
import { type Cradle, startCradle } from "./cradle.ts";
import { type CradleOrder, type CradleReport, readOrder } from "./cradle-channel.ts";

let cradle: Cradle | undefined;

process.on("message", (message) => {
  const order = readOrder(message);
  if (order?.type === "run") cradle ??= run(order);
  if (order?.type === "update") cradle?.update(order.specs);
  if (order?.type === "stop") stop();
  if (order?.type === "kill") kill();
});
process.once("disconnect", kill);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);

function run({ specs, rules }: Extract<CradleOrder, { readonly type: "run" }>): Cradle {
  let told = "";
  const tellPids = () => {
    const pids = running.pids();
    const text = JSON.stringify(pids);
    if (text !== told) say({ type: "pids", pids });
    told = text;
  };
  const running = startCradle(specs, rules, (event) => {
    say({ type: "event", event });
    // A process that is starting has its id once this turn of the loop is over.
    setImmediate(tellPids);
  });
  tellPids();
  void running.ended.then((end) => say({ type: "ended", end }, () => process.exit(0)));
  return running;
}

function stop(): void {
  if (cradle === undefined) process.exit(0);
  void cradle.stop();
}

function kill(): void {
  if (cradle === undefined) process.exit(0);
  void cradle.kill();
}

/** @param then also when nobody hears it any more */
function say(report: CradleReport, then: () => void = () => {}): void {
  if (process.connected && process.send !== undefined) process.send(report, then);
  else then();
}
