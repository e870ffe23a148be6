// The sandbox's own program: imports one behaviour module and reports what it
// exports. It runs without permissions, keys or environment, and locks what
// Node's permission model leaves open before the module's code begins.
import { readFileSync, writeSync } from "node:fs";
import { CellError } from "../../errors/cell-error.ts";
import { describeIntents } from "../describe.ts";
import { behaviourIn, importModule } from "../loader/load-behaviour.ts";
import { statesOf } from "../state-name.ts";
import { type ExportReport, type ProbeReport, type ProbeRequest, probeRequest } from "./report.ts";

/** These reach other processes or this one's identity past the permission model. */
const LOCKED = [
  "kill",
  "_kill",
  "_debugProcess",
  "_debugEnd",
  "setuid",
  "seteuid",
  "setgid",
  "setegid",
  "setgroups",
  "initgroups",
  "binding",
  "dlopen",
];

function lock(): void {
  for (const name of LOCKED) {
    const value = () => {
      throw Object.assign(new Error(`process.${name} is locked`), {
        code: "ERR_ACCESS_DENIED",
        permission: "Process",
      });
    };
    Object.defineProperty(process, name, { value, writable: false, configurable: false });
  }
}

function reportOf(error: unknown): ProbeReport {
  const denied = denialIn(error, 0);
  if (denied === undefined) {
    return { kind: "threw", message: error instanceof Error ? error.message : String(error) };
  }
  const permission = String(Reflect.get(denied, "permission"));
  return { kind: "denied", permission, resource: String(Reflect.get(denied, "resource") ?? denied.message) };
}

/** The permission model's own error, however wrapped: as a cause, or as a socket error's errno. */
function denialIn(error: unknown, depth: number): Error | undefined {
  if (!(error instanceof Error) || depth > 8) return undefined;
  if (Reflect.get(error, "permission") !== undefined) return error;
  const inner: unknown[] = [
    error.cause,
    Reflect.get(error, "errno"),
    ...(error instanceof AggregateError ? error.errors : []),
  ];
  for (const each of inner) {
    const found = denialIn(each, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function describeExport(exports: Record<string, unknown>, module: string, name: string): ExportReport {
  try {
    const { intents, machine, version, migrate } = behaviourIn(exports, { module, export: name });
    return {
      kind: "behaviour",
      export: name,
      intents: describeIntents(intents),
      states: statesOf(machine),
      ...(version === undefined ? {} : { version }),
      migrates: migrate !== undefined,
    };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    const { code, message, remedy } = error;
    if (code !== "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN" && code !== "ACTOR_BEHAVIOUR_INVALID") throw error;
    return { kind: "problem", export: name, code, message, remedy };
  }
}

async function probe({ module, version, exports: names }: ProbeRequest): Promise<ProbeReport> {
  try {
    const exports = await importModule(module, version, (url) => import(url));
    // What the module began without waiting for fails within a turn or two.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    return { kind: "loaded", exports: names.map((name) => describeExport(exports, module, name)) };
  } catch (error) {
    return reportOf(error);
  }
}

const request = probeRequest.parse(JSON.parse(readFileSync(0, "utf8")));
const exit = process.exit.bind(process);

function finish(report: ProbeReport): void {
  writeSync(1, `\n${request.nonce}${JSON.stringify(report)}\n`);
  exit(0);
}

lock();
process.on("uncaughtException", (error) => finish(reportOf(error)));
process.on("unhandledRejection", (error) => finish(reportOf(error)));
finish(await probe(request));
