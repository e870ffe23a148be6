// Tells what behaviour modules hold without running their code in this process:
// each module is loaded in a sandbox of its own, so that a bad one spoils only
// its own result.
import { randomBytes } from "node:crypto";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { IntentDescription } from "../actor-host.ts";
import { codeFiles, hashFiles } from "../loader/code-files.ts";
import type { BehaviourRef } from "../loader/load-behaviour.ts";
import { type ProbeReport, probeReport } from "./report.ts";
import { runSandbox, type SandboxEnd, type SandboxLimits } from "./sandbox.ts";

export type ProbedBehaviour = {
  /** SHA-256 of the module and what it imports, hex. */
  readonly codeHash: string;
  readonly intents: Readonly<Record<string, IntentDescription>>;
  /** All states of its machine. */
  readonly states: readonly string[];
  /** What it states of its durable state, and whether it migrates another version's. */
  readonly version: string | number | undefined;
  readonly migrates: boolean;
};

export type ProbeResult = BehaviourRef & { readonly result: Result<ProbedBehaviour, CellError> };

const DEFAULT_LIMITS: SandboxLimits = { timeoutMs: 10_000, memoryMiB: 128 };
/** Sandboxes at once. */
const CONCURRENCY = 4;

/**
 * One result for each behaviour, in order; never rejects for what a module does.
 * Errors: ACTOR_BEHAVIOUR_NOT_FOUND, _TOO_LARGE, _THREW, _EXPORT_UNKNOWN, _INVALID,
 * ACTOR_PROBE_DENIED, _TIMEOUT, _MEMORY, _FAILED.
 */
export async function probeBehaviours(
  behaviours: readonly BehaviourRef[],
  limits: Partial<SandboxLimits> = {},
): Promise<readonly ProbeResult[]> {
  const byModule = Map.groupBy(behaviours, ({ module }) => module);
  const results = new Map<string, Result<ProbedBehaviour, CellError>>();
  const waiting = [...byModule];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [module, refs] = next;
      const names = [...new Set(refs.map((ref) => ref.export))];
      const probed = await probeModule(module, names, { ...DEFAULT_LIMITS, ...limits });
      for (const name of names) results.set(keyOf({ module, export: name }), probed(name));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return behaviours.map((ref) => ({
    ...ref,
    result: results.get(keyOf(ref)) ?? err(failed(ref.module, "no result")),
  }));
}

const keyOf = (ref: BehaviourRef): string => `${ref.export} ${ref.module}`;

type ByExport = (name: string) => Result<ProbedBehaviour, CellError>;

async function probeModule(
  module: string,
  names: readonly string[],
  limits: SandboxLimits,
): Promise<ByExport> {
  try {
    const files = await codeFiles(module);
    const codeHash = hashFiles(files);
    const nonce = randomBytes(16).toString("hex");
    const request = JSON.stringify({ nonce, module, version: codeHash, exports: names });
    const ended = await runSandbox(
      files.map(({ path }) => path),
      request,
      limits,
    );
    const report = reportIn(ended, nonce, module, limits);
    return (name) => (report.ok ? resultOf(report.value, name, module, codeHash) : report);
  } catch (error) {
    const coded = error instanceof CellError ? error : failed(module, String(error), error);
    return () => err(coded);
  }
}

function reportIn(
  ended: SandboxEnd,
  nonce: string,
  module: string,
  limits: SandboxLimits,
): Result<ProbeReport, CellError> {
  switch (ended.kind) {
    case "timeout":
      return err(
        new CellError(
          "ACTOR_PROBE_TIMEOUT",
          `${module} does not finish loading within ${limits.timeoutMs} ms`,
          {
            where: module,
          },
        ),
      );
    case "memory":
      return err(
        new CellError("ACTOR_PROBE_MEMORY", `${module} needs more than ${limits.memoryMiB} MiB to load`, {
          where: module,
        }),
      );
    case "broken":
      return err(failed(module, ended.reason));
    case "exited": {
      const line = ended.stdout.split("\n").find((text) => text.startsWith(nonce));
      if (line === undefined) return err(failed(module, "it ended its process while it was loaded"));
      const parsed = probeReport.safeParse(JSON.parse(line.slice(nonce.length)));
      return parsed.success ? ok(parsed.data) : err(failed(module, "its report is malformed", parsed.error));
    }
  }
}

function resultOf(
  report: ProbeReport,
  name: string,
  module: string,
  codeHash: string,
): Result<ProbedBehaviour, CellError> {
  const where = `${module}#${name}`;
  if (report.kind === "denied") return err(denied(module, report));
  if (report.kind === "threw")
    return err(new CellError("ACTOR_BEHAVIOUR_THREW", report.message, { where: module }));
  const found = report.exports.find((each) => each.export === name);
  if (found === undefined) return err(failed(module, `it says nothing of ${name}`));
  if (found.kind === "problem") {
    return err(new CellError(found.code, found.message, { where, remedy: found.remedy }));
  }
  const { intents, states, version, migrates } = found;
  return ok({ codeHash, intents, states, version, migrates });
}

const TRIED: Readonly<Record<string, string>> = {
  FileSystemRead: "reads a file",
  FileSystemWrite: "writes a file",
  Net: "uses the network",
  ChildProcess: "starts a process",
  WorkerThreads: "starts a worker",
};

function denied(
  module: string,
  { permission, resource }: { permission: string; resource: string },
): CellError {
  const tried = TRIED[permission] ?? `uses ${permission}`;
  const what = `${module} ${tried} while it is loaded${resource === "" ? "" : `: ${resource.slice(0, 300)}`}`;
  return new CellError("ACTOR_PROBE_DENIED", what, { where: module });
}

function failed(module: string, reason: string, cause?: unknown): CellError {
  const options = cause === undefined ? { where: module } : { where: module, cause };
  return new CellError("ACTOR_PROBE_FAILED", `the sandbox of ${module} broke down: ${reason}`, options);
}
