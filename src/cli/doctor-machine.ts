// What a cell needs of its machine.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { locateCore, packageRoot } from "../runtime/package-info.ts";
import { locateBroker } from "../transport/broker/locate.ts";
import { CORE_PROTOCOL } from "../transport/core/protocol.ts";
import type { Context } from "./context.ts";
import { bad, type CheckResult, checked, good, note } from "./doctor-check.ts";
import { formatBytes } from "./duration.ts";
import { coreVersion } from "./version.ts";

const LEAST_NODE_MAJOR = 26;
const LEAST_DISK_BYTES = 512 * 1024 * 1024;
const LEAST_MEMORY_BYTES = 256 * 1024 * 1024;
/** A connection an intent's sender, a socket a process, files of the broker's streams. */
const LEAST_OPEN_FILES = 1_024;
/** Before this program was written no clock was right. */
const EARLIEST_UNIX_MS = Date.UTC(2026, 0, 1);
const LATEST_UNIX_MS = Date.UTC(2100, 0, 1);

export async function machineChecks(context: Context): Promise<readonly CheckResult[]> {
  const { env } = context.terminal;
  return [
    checkNode(),
    await checked(
      "core",
      "Run `npm start` in a checkout, or name the binary with CELL0_CORE_BIN.",
      async () => {
        const path = locateCore(env);
        const version = await coreVersion(env);
        if (version === undefined)
          return bad("core", `${path} does not run`, "Build it anew: `cargo build --release --locked`.");
        return good("core", `cell0-core ${version}, protocol ${CORE_PROTOCOL}, ${path}`);
      },
    ),
    await checked("broker", "Install nats-server, or name it with NATS_SERVER_BIN.", async () => {
      const { path, version } = await locateBroker({ env, packageRoot });
      return good("broker", `nats-server ${version}, ${path}`);
    }),
    await checkDisk(context),
    checkMemory(),
    checkOpenFiles(),
    checkClock(context.terminal.now()),
  ];
}

function checkNode(): CheckResult {
  const { node } = process.versions;
  const major = Number(node.split(".", 1)[0]);
  if (major >= LEAST_NODE_MAJOR) return good("node", `Node ${node}`);
  return bad(
    "node",
    `Node ${node}, ${LEAST_NODE_MAJOR} is needed`,
    "Start with `cell0`, which brings its own, not with `node`.",
  );
}

async function checkDisk({ dir }: Context): Promise<CheckResult> {
  let place = dir.root;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return await checked("disk", "Check the path.", async () => {
    const { bavail, bsize, ffree, files } = await statfs(place);
    const free = bavail * bsize;
    if (files > 0 && ffree < 1_000)
      return bad("disk", `${ffree} files can be made in ${place}`, "Remove files.");
    if (free >= LEAST_DISK_BYTES) return good("disk", `${formatBytes(free)} free in ${place}`);
    return bad(
      "disk",
      `${formatBytes(free)} free in ${place}`,
      `Free ${formatBytes(LEAST_DISK_BYTES)}, or give another \`--data-dir\`.`,
    );
  });
}

function checkMemory(): CheckResult {
  const available = process.availableMemory();
  const text = `${formatBytes(available)} available`;
  return available >= LEAST_MEMORY_BYTES
    ? good("memory", text)
    : bad(
        "memory",
        text,
        `A cell takes ${formatBytes(LEAST_MEMORY_BYTES)}: end other programs, or raise the limit.`,
      );
}

function checkOpenFiles(): CheckResult {
  const { report } = process;
  // Naming the network's interfaces takes seconds where names resolve slowly.
  Reflect.set(report, "excludeNetwork", true);
  const limits: unknown = Reflect.get(report.getReport(), "userLimits");
  const open: unknown =
    typeof limits === "object" && limits !== null ? Reflect.get(limits, "open_files") : undefined;
  const soft: unknown = typeof open === "object" && open !== null ? Reflect.get(open, "soft") : undefined;
  if (soft === "unlimited") return good("open files", "no limit");
  const limit = Number(soft);
  if (!Number.isFinite(limit)) return note("open files", "this system does not say");
  if (limit >= LEAST_OPEN_FILES) return good("open files", `${limit} a process`);
  return bad(
    "open files",
    `${limit} a process`,
    `Run \`ulimit -n ${LEAST_OPEN_FILES * 8}\` before \`cell0 up\`.`,
  );
}

export function checkClock(nowUnixMs: number): CheckResult {
  const text = new Date(nowUnixMs).toISOString();
  if (nowUnixMs >= EARLIEST_UNIX_MS && nowUnixMs < LATEST_UNIX_MS) return good("clock", text);
  return bad(
    "clock",
    `it is ${text} by this clock`,
    "Set the clock, best by NTP: signatures are judged by time.",
  );
}
