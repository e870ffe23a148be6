// npm start: sets up what is missing, then boots the hello cell. Runs on plain Node 20 with
// nothing installed; arguments are passed on to `cell0 up`.
import { join } from "node:path";
import { requireNode20 } from "./setup/require-node-20.mjs";

requireNode20();

const { setUpOrExit } = await import("./setup/session.mjs");
const { checkout } = await import("./setup/paths.mjs");

const ready = await setUpOrExit();
process.env.CELL0_CORE_BIN ??= ready.coreBin;
process.env.NATS_SERVER_BIN ??= ready.natsServerBin;
const launcher = join(checkout.root, "bin", "cell0.mjs");
process.argv = [
  process.argv[0] ?? ready.node,
  launcher,
  "up",
  join(checkout.root, "deploy", "examples", "hello"),
  ...process.argv.slice(2),
];
// The launcher takes over from here, in this process if its Node is new enough.
await import("../bin/cell0.mjs");
