// What the command line's exit status means, the same for every command.
import { CellError } from "../errors/cell-error.ts";

export const exitCodes = {
  ok: 0,
  negative: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  partial: 5,
  internal: 70,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;
export type ExitCode = (typeof exitCodes)[ExitName];

/** For help and docs/cli.md. */
export const exitMeanings: Readonly<Record<ExitName, string>> = {
  ok: "done",
  negative: "the answer is no: it differs, is not valid, or is not healthy",
  usage: "the command line, a file or a manifest is wrong; nothing was asked of the cell",
  refused: "the cell refused, with a code",
  unreachable: "the cell, its broker or its core cannot be reached, or did not answer in time",
  partial: "done in part; what failed is listed",
  internal: "a fault in cell0 itself",
  interrupted: "interrupted",
};

/** Codes that mean that nobody was there to ask. */
const UNREACHABLE = new Set<string>(["CELL_NOT_FOUND", "ACTOR_DEADLINE_EXCEEDED"]);
/** Codes of this side's own files and words, found before anything was asked. */
const LOCAL = new Set<string>([
  "AUTHORITY_IDENTITY_INVALID",
  "CELL_CONFIG_INVALID",
  "CELL_DIRECTORY_HELD",
  "CELL_DIRECTORY_UNSAFE",
  "CELL_KEY_DAMAGED",
  "CELL_PORT_TAKEN",
  "CELL_SECRET_DAMAGED",
  "CELL_SECRET_NAME_INVALID",
]);

export function exitCodeOf(error: CellError): ExitCode {
  if (error.code === "CLI_INTERNAL") return exitCodes.internal;
  if (error.code === "CLI_INTERRUPTED") return exitCodes.interrupted;
  if (error.code === "CLI_NOT_CONFIRMED" || error.code === "CLI_ROTATION_PENDING") return exitCodes.negative;
  if (error.code === "CLI_ROTATION_STOPPED")
    return error.cause instanceof CellError ? exitCodeOf(error.cause) : exitCodes.refused;
  if (error.code === "CLI_REPLY_UNEXPECTED" || error.code === "CLI_TARGET_UNKNOWN") return exitCodes.refused;
  if (UNREACHABLE.has(error.code) || /^(BROKER|CORE)_/.test(error.code)) return exitCodes.unreachable;
  // The cell's own answer, as against what this program found out.
  if (error.details.remote === true) return exitCodes.refused;
  if (LOCAL.has(error.code) || /^(CLI|MANIFEST|CAPABILITY)_/.test(error.code)) return exitCodes.usage;
  return exitCodes.refused;
}
