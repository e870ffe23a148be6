// `kernel/<node>/exec`: listed programs with listed arguments, in the name of actors.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import { execText } from "../../../../manifest/tool-text.ts";
import type { ToolsSpec } from "../../../../manifest/tools.ts";
import type { Platform } from "../../../isolation/process/layers.ts";
import { serveActor } from "../../../serve.ts";
import { shownProgram } from "../asked.ts";
import { decodeContent } from "../contents.ts";
import { type ExecRequest, execIntents, type ProgramResult } from "../contract.ts";
import { type Allowed, callTool, type ToolPorts } from "../tool-call.ts";
import { findProgram } from "./argument-policy.ts";
import { confinement } from "./confine.ts";
import type { FairSlots } from "./fair-slots.ts";
import { performRun, type UserPool } from "./run-program.ts";

export type ExecToolPorts = ToolPorts & {
  readonly platform: Pick<Platform, "name" | "isRoot" | "find">;
  /** Whether a program can be given an empty network. */
  readonly canCutOff: () => Promise<boolean>;
  /** A user of its own for each run. */
  readonly users: UserPool;
  /** Of the programs that run at once. */
  readonly slots: FairSlots;
};

/** Programs of all actors at once. */
export const MAX_PROGRAMS = 16;
/** Calls that are looked at: those who are told that they are too many take no program's place. */
const CONCURRENCY = 64;

export const execTool = serveActor<ExecToolPorts, typeof execIntents>({
  intents: execIntents,
  concurrency: CONCURRENCY,
  handlers: {
    exec: async (request, meta, { input, signal }) => {
      const canCutOff = await input.canCutOff();
      return await callTool(input, meta, signal, {
        tool: "exec",
        asked: shownProgram(request.program, request.args),
        decide: ({ exec }) => {
          const allowed = decideExec(meta.source, exec, request, { ...input, canCutOff });
          return allowed.ok ? ok(inTurn(input.slots, meta.source, allowed.value)) : allowed;
        },
      });
    },
  },
});

/** Holds a slot while the program runs. TOOL_BUSY */
function inTurn(slots: FairSlots, actor: string, allowed: Allowed<ProgramResult>): Allowed<ProgramResult> {
  return {
    ...allowed,
    async perform(signal) {
      const begun = slots.begin(actor);
      if (!begun.ok) throw begun.error;
      try {
        return await allowed.perform(signal);
      } finally {
        begun.value();
      }
    },
  };
}

/** Pure: runs nothing. */
export function decideExec(
  actor: string,
  grants: ToolsSpec["exec"],
  request: ExecRequest,
  { platform, users, canCutOff }: Pick<ExecToolPorts, "platform" | "users"> & { readonly canCutOff: boolean },
): Result<Allowed<ProgramResult>, CellError> {
  const { args, as } = request;
  const found = findProgram(actor, grants, request.program, args);
  if (!found.ok) return found;
  const { grant, list } = found.value;
  const stdin =
    request.stdin === undefined ? ok(undefined) : decodeContent(request.stdin, request.stdinEncoding);
  if (!stdin.ok) return stdin;
  if ((stdin.value?.length ?? 0) > grant.stdinBytes) {
    const what = `the grant allows ${grant.stdinBytes} bytes of standard input`;
    return err(new CellError("TOOL_TOO_LARGE", what));
  }
  const held = confinement(platform, { network: grant.network, canCutOff });
  return ok({
    grant: [execText(grant, list), ...held.lacking].join("; "),
    timeoutMs: grant.timeoutMs,
    perform: (signal) => performRun({ grant, args, stdin: stdin.value, as }, { held, users }, signal),
  });
}
