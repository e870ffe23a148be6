// The running cell: its processes, broker, core, revision, and what does not run
// as stated. A cell that is down is no failure.
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { NodeStatus } from "../actors/kernel/reports.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { isAlive, type LockHolder, readHolder } from "../runtime/lock.ts";
import { openMirror } from "../runtime/record-mirror.ts";
import type { Context } from "./context.ts";
import { bad, type CheckResult, checked, good, note } from "./doctor-check.ts";
import { formatUptime } from "./duration.ts";
import { counted } from "./render/text.ts";

export async function cellChecks(context: Context): Promise<readonly CheckResult[]> {
  const { dir } = context;
  const holder = await readHolder(dir);
  if (holder === undefined || !isAlive(holder)) {
    const state = holder === undefined ? "it is down" : "it was killed; the next start tidies up";
    return [
      note("processes", `${state}; start it with \`cell0 up\``),
      await checked("port", "Restore cell.json.", () => checkPort(context)),
    ];
  }
  const processes = checkProcesses(holder);
  if (!context.hasOwnIdentity && !existsSync(dir.operatorCreds)) {
    const what = "this node has no operator's identity; give one with --creds to look into the cell";
    return [processes, note("connection", what)];
  }
  const connected = await checked("connection", "See log/broker.log in the data directory.", async () => {
    const port = await context.connect();
    return good("connection", `as ${port.principal} to cell ${port.cell}`);
  });
  if (connected.state === "failed") return [processes, connected];
  return [processes, connected, ...(await runningChecks(context, holder))];
}

function checkProcesses(holder: LockHolder): CheckResult {
  const children = Object.entries(holder.children);
  const dead = children.filter(([, child]) => !isAlive(child)).map(([name]) => name);
  if (dead.length > 0) {
    return bad(
      "processes",
      `not running: ${dead.join(", ")}`,
      "They are started again by themselves; if not, read the log of that name below log/.",
    );
  }
  const names = children.map(([name, { pid }]) => `${name} ${pid}`).join(", ");
  return good("processes", `up ${holder.pid}${names === "" ? "" : `, ${names}`}`);
}

async function runningChecks(context: Context, holder: LockHolder): Promise<readonly CheckResult[]> {
  let status: NodeStatus;
  try {
    status = await (await context.kernel()).status(holder.node);
  } catch (thrown) {
    const what = thrown instanceof Error ? thrown.message : String(thrown);
    return [
      bad("node", `node ${holder.node} does not answer: ${what}`, "See log/node.log in the data directory."),
    ];
  }
  const { broker, core, acceptingIntents, capabilities } = status;
  const up = formatUptime(context.terminal.now() - status.startedAtUnixMs);
  return [
    good("node", `${status.node} ${status.version}, up ${up}, ${counted(status.actors, "actor")}`),
    broker.state === "connected"
      ? good("broker link", `${broker.state}, ${broker.url}${syncText(broker.sync)}`)
      : bad("broker link", broker.state, "It connects again by itself; see log/broker.log."),
    core.state === "serving"
      ? good("core link", `${core.state}, version ${core.version ?? "unknown"}`)
      : bad(
          "core link",
          `${core.state}${core.reason === undefined ? "" : `: ${core.reason}`}`,
          "See log/core.log; a core of another version must be built anew.",
        ),
    acceptingIntents
      ? good("intake", "it accepts intents")
      : bad("intake", "it refuses intents", "It takes up again once broker and core are there."),
    capabilities === undefined
      ? good("capabilities", "it knows what is revoked")
      : bad(
          "capabilities",
          `it lets none count: ${capabilities}`,
          "See whether the node that owns shard 0 runs: `cell0 get nodes`.",
        ),
    await checked("revision", "Run `cell0 rollback --list`.", () => checkRevision(context, status)),
    await checked("actors", "See `cell0 get tree`.", () => checkActors(context)),
  ];
}

function syncText(sync: string | undefined): string {
  if (sync === undefined) return "";
  return sync === "always"
    ? ", a power loss takes nothing that was acknowledged (sync always)"
    : `, a power loss may take the last second (sync ${sync})`;
}

async function checkRevision(context: Context, status: NodeStatus): Promise<CheckResult> {
  const { revision } = await (await context.kernel()).graph();
  const mirror = await (await openMirror(context.dir.revisions, "rev")).all();
  const seen = Math.max(0, ...[...mirror.keys()].map(Number).filter(Number.isFinite));
  if (revision < seen) {
    return bad(
      "revision",
      `the cell is at ${revision}, this node has seen ${seen}`,
      "The broker was set back; see `cell0 logs --kind revisionFailed`.",
    );
  }
  if (status.revision !== revision) {
    return bad(
      "revision",
      `node ${status.node} is at ${status.revision}, the cell at ${revision}`,
      "It converges by itself; see `cell0 logs --kind revisionFailed`.",
    );
  }
  return revision === 0
    ? note("revision", "nothing applied yet; `cell0 apply FILE`")
    : good("revision", `${revision} applied`);
}

async function checkActors(context: Context): Promise<CheckResult> {
  const { unsatisfied } = await (await context.kernel()).graph();
  const [first] = unsatisfied;
  if (first === undefined) return good("actors", "all run as stated");
  const more = unsatisfied.length > 1 ? ` (and ${unsatisfied.length - 1} more)` : "";
  return bad(
    "actors",
    `${first.path}: ${first.reason}${more}`,
    `See \`cell0 get actor ${first.path}\` and \`cell0 logs --actor ${first.path}\`.`,
  );
}

async function checkPort(context: Context): Promise<CheckResult> {
  const { broker } = await readCellConfig(context.dir);
  const { port } = broker;
  if (!broker.embedded || port === undefined) return note("port", `the broker is elsewhere: ${broker.url}`);
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  if (free) return good("port", `127.0.0.1:${port} is free`);
  return bad(
    "port",
    `127.0.0.1:${port} is taken`,
    "Stop the program that listens there, or start with `cell0 up --port N`.",
  );
}
