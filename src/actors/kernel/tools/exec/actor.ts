// `kernel/<node>/exec`: listed programs with listed arguments, in the name of actors.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import { execText } from "../../../../manifest/tool-text.ts";
import type { ToolsSpec } from "../../../../manifest/tools.ts";
import { serveActor } from "../../../serve.ts";
import { shownProgram } from "../asked.ts";
import { decodeContent } from "../contents.ts";
import { type ExecRequest, execIntents, type ProgramResult } from "../contract.ts";
import { type Allowed, callTool, type ToolPorts } from "../tool-call.ts";
import { findProgram } from "./argument-policy.ts";
import type { Confinement } from "./confine.ts";
import { performRun } from "./run-program.ts";

export type ExecToolPorts = ToolPorts & { readonly confinement: Confinement };

/** Programs of all actors at once; further ones wait. */
const CONCURRENCY = 16;

export const execTool = serveActor<ExecToolPorts, typeof execIntents>({
  intents: execIntents,
  concurrency: CONCURRENCY,
  handlers: {
    exec: (request, meta, { input, signal }) =>
      callTool(input, meta, signal, {
        tool: "exec",
        asked: shownProgram(request.program, request.args),
        decide: ({ exec }) => decideExec(meta.source, exec, request, input.confinement),
      }),
  },
});

/** Pure: runs nothing. */
export function decideExec(
  actor: string,
  grants: ToolsSpec["exec"],
  request: ExecRequest,
  confinement: Confinement,
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
  return ok({
    grant: execText(grant, list),
    timeoutMs: grant.timeoutMs,
    perform: (signal) => performRun({ grant, args, stdin: stdin.value, as }, confinement, signal),
  });
}
