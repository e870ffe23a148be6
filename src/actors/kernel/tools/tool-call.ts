// One use of a tool, from the verified sender to the record of what became of it.
// Who asks is what intake, or the node's own send path, vouches for; nothing in the
// payload counts. The order: sender, bounds, grant, deed, record.
import { CellError } from "../../../errors/cell-error.ts";
import type { Result } from "../../../errors/result.ts";
import type { ToolsSpec } from "../../../manifest/tools.ts";
import type { EventInput } from "../../../telemetry/event.ts";
import { asCellError } from "../../as-cell-error.ts";
import type { IntentMeta } from "../../intent-definition.ts";
import type { CallLimits } from "./call-limits.ts";
import { shortened } from "./contents.ts";

export type ToolName = "http.fetch" | "fs.read" | "fs.list" | "fs.write" | "exec";

/** What an actor may do, by the graph in force; `elsewhere`: it is not placed on this node. */
export type GrantedTools = ToolsSpec | "elsewhere" | "nothing";

export type ToolPorts = {
  readonly grantsOf: (actor: string) => GrantedTools;
  /** Must not throw. */
  readonly record: (event: EventInput) => void;
  /** Shared by all tools of the node. */
  readonly limits: CallLimits;
  readonly unixMs: () => number;
  readonly monotonicMs: () => number;
};

export type Deed<R> = {
  readonly reply: R;
  /** "200", "exit 0". */
  readonly outcome: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
};

/** What allows it, in words, and the doing of it. */
export type Allowed<R> = {
  readonly grant: string;
  readonly timeoutMs: number;
  readonly perform: (signal: AbortSignal) => Promise<Deed<R>>;
};

export type ToolCall<R> = {
  readonly tool: ToolName;
  /** In words, without contents, headers and query. */
  readonly asked: string;
  readonly decide: (tools: ToolsSpec) => Result<Allowed<R>, CellError>;
};

/** Errors by which a grant, or its absence, stops a call; all others are failures of an allowed one. */
const REFUSALS: ReadonlySet<string> = new Set([
  "TOOL_NOT_GRANTED",
  "TOOL_SENDER_INVALID",
  "TOOL_REQUEST_INVALID",
  "TOOL_ADDRESS_FORBIDDEN",
  "TOOL_REDIRECT_REFUSED",
  "TOOL_PATH_REFUSED",
  "TOOL_QUOTA_EXCEEDED",
  "TOOL_BUSY",
  "TOOL_RATE_LIMITED",
]);

/** Throws the CellError that is the answer; whatever else goes wrong becomes TOOL_FAILED, so that no agent ends a tool. */
export async function callTool<R>(
  ports: ToolPorts,
  meta: IntentMeta,
  stopped: AbortSignal,
  call: ToolCall<R>,
): Promise<R> {
  const startedAtMs = ports.monotonicMs();
  const asked = shortened(call.asked);
  let grant = "";
  let end: (() => void) | undefined;
  try {
    const tools = toolsOf(ports, meta);
    end = orThrow(ports.limits.begin(meta.source, tools, startedAtMs));
    const allowed = orThrow(call.decide(tools));
    grant = allowed.grant;
    const deed = await perform(ports, meta, stopped, allowed);
    const { outcome, bytesIn, bytesOut } = deed;
    record(ports, meta, {
      case: "toolUsed",
      value: {
        tool: call.tool,
        asked,
        grant,
        outcome,
        bytesIn,
        bytesOut,
        elapsedUs: since(ports, startedAtMs),
      },
    });
    return deed.reply;
  } catch (thrown) {
    const error = asToolError(thrown);
    const { code, message, remedy, retryable } = error;
    const told = { code, message, remedy, retryable };
    const elapsedUs = since(ports, startedAtMs);
    record(
      ports,
      meta,
      REFUSALS.has(code)
        ? { case: "toolRefused", value: { tool: call.tool, asked, error: told } }
        : { case: "toolUsed", value: { tool: call.tool, asked, grant, elapsedUs, error: told } },
    );
    throw error;
  } finally {
    end?.();
  }
}

function toolsOf(ports: ToolPorts, { source, principal }: IntentMeta): ToolsSpec {
  if (source === "") {
    throw new CellError("TOOL_SENDER_INVALID", `client \`${principal}\` is no actor, and has no tools`);
  }
  const tools = ports.grantsOf(source);
  if (tools === "elsewhere") {
    throw new CellError("TOOL_SENDER_INVALID", `\`${source}\` is not placed on this node`, { where: source });
  }
  if (tools === "nothing") throw notGranted(source, "the actor has no `tools` at all", "");
  return tools;
}

/** @param how an entry that would allow it, as YAML on one line; empty: no precise one */
export function notGranted(actor: string, what: string, how: string): CellError {
  const remedy = `If it should be allowed, add to \`${actor}\` in the manifest: tools: { ${how} }; then apply.`;
  return new CellError("TOOL_NOT_GRANTED", what, {
    ...(actor === "" ? {} : { where: actor }),
    ...(how === "" ? {} : { remedy }),
  });
}

/** Ends at the grant's timeout, the request's deadline, or when the tool stops, whichever is first. */
async function perform<R>(
  ports: ToolPorts,
  meta: IntentMeta,
  stopped: AbortSignal,
  { timeoutMs, perform: act }: Allowed<R>,
): Promise<Deed<R>> {
  const leftMs = Math.min(timeoutMs, meta.deadlineUnixMs - ports.unixMs());
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), Math.max(1, leftMs));
  const signal = AbortSignal.any([stopped, timeout.signal]);
  try {
    return await act(signal);
  } catch (error) {
    // However the deed noticed: once the time is over, that is the reason.
    if (timeout.signal.aborted)
      throw new CellError("TOOL_TIMEOUT", `not done after ${leftMs} ms`, { cause: error });
    if (stopped.aborted) throw new CellError("ACTOR_NOT_RUNNING", "the tool is stopping", { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function asToolError(thrown: unknown): CellError {
  const coded = asCellError(thrown);
  if (coded !== undefined) return coded;
  // Only the system's own word leaves: messages name paths and addresses of this machine.
  const word = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "an unexpected error";
  return new CellError("TOOL_FAILED", `the system said ${word.slice(0, 64)}`, { cause: thrown });
}

function record(ports: ToolPorts, intent: IntentMeta, kind: EventInput["kind"]): void {
  const actor = intent.source === "" ? intent.target : intent.source;
  ports.record({ actor, intent, traceparent: intent.traceparent, kind });
}

const since = (ports: ToolPorts, startedAtMs: number): number =>
  Math.round((ports.monotonicMs() - startedAtMs) * 1000);

function orThrow<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
