// `npm run bench -- NAME`: runs one benchmark and prints its figures with the
// machine's size and load, without which they say nothing.
import { cpus, loadavg, totalmem } from "node:os";

const benches: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  durable: () => import("./durable.ts"),
  "durable-host": () => import("./durable-host.ts"),
  flood: () => import("./flood.ts"),
  intake: () => import("./intake.ts"),
  isolation: () => import("./isolation.ts"),
  path: () => import("./path.ts"),
  residency: () => import("./residency.ts"),
  revocation: () => import("./revocation.ts"),
  supervision: () => import("./supervision.ts"),
};

const [, , name = ""] = process.argv;
const load = benches[name];
if (load === undefined) {
  console.error(`Usage: npm run bench -- ${Object.keys(benches).join(" | ")}`);
  process.exitCode = 2;
} else {
  const gib = Math.round(totalmem() / 2 ** 30);
  const [minute = 0] = loadavg();
  console.log(
    `machine  ${cpus().length} cores, ${gib} GiB, Node ${process.versions.node}, load ${minute.toFixed(1)}`,
  );
  const { run } = await load();
  await run();
}
