// Which granted program and argument list a request fits. A list fits as a whole:
// its arguments one by one, exact or by pattern, none more and none fewer.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import { matchesArgument, parseArgumentPattern } from "../../../../manifest/argument-pattern.ts";
import type { ArgumentSpec, ExecGrant } from "../../../../manifest/tools.ts";
import { notGranted } from "../tool-call.ts";

export type Fitting = { readonly grant: ExecGrant; readonly list: number };

/** TOOL_REQUEST_INVALID, TOOL_NOT_GRANTED. */
export function findProgram(
  actor: string,
  grants: readonly ExecGrant[],
  program: string,
  args: readonly string[],
): Result<Fitting, CellError> {
  if ([program, ...args].some((word) => word.includes("\0") || !word.isWellFormed())) {
    return err(new CellError("TOOL_REQUEST_INVALID", "an argument holds NUL, or half a character"));
  }
  const named = grants.filter((grant) => isNamed(grant.program, program));
  const shown = JSON.stringify([program, ...args].join(" ").slice(0, 200));
  const how = `exec: [{ program: ${program}, args: [${JSON.stringify(args).slice(0, 200)}] }]`;
  if (named.length === 0)
    return err(notGranted(actor, `no grant runs ${JSON.stringify(program.slice(0, 200))}`, how));
  for (const grant of named) {
    const list = grant.args.findIndex((specs) => fits(specs, args));
    if (list >= 0) return ok({ grant, list });
  }
  return err(notGranted(actor, `no grant allows ${shown}`, how));
}

/** By its path as granted, or by its last token: no other path, and no link to it. */
const isNamed = (granted: string, asked: string): boolean =>
  asked === granted || (!asked.includes("/") && granted.endsWith(`/${asked}`));

const fits = (specs: readonly ArgumentSpec[], args: readonly string[]): boolean =>
  specs.length === args.length && specs.every((spec, at) => fitsOne(spec, args[at] ?? ""));

function fitsOne(spec: ArgumentSpec, argument: string): boolean {
  if (typeof spec === "string") return spec === argument;
  const pattern = parseArgumentPattern(spec.pattern);
  return pattern !== undefined && matchesArgument(pattern, argument);
}
