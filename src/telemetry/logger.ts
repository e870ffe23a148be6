// The node's own log: JSON lines in a file that rotates, for what concerns the program
// rather than an actor. Keys and credentials never get in, and no line is longer than a bound.
import { type Logger, pino } from "pino";
import { boundText } from "./event.ts";
import { RotatingFile } from "./rotating-file.ts";

export type { Logger } from "pino";

export type LoggerOptions = {
  readonly path: string;
  readonly node: string;
  /** trace, debug, info, warn, error, fatal or silent; CELL0_LOG, else info, by default. */
  readonly level?: string;
};

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 4;
const MAX_TEXT_BYTES = 8 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
const LEVELS: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Names of fields that hold secrets, at any of the first three depths. */
const SECRETS = [
  "seed",
  "secret",
  "password",
  "token",
  "jwt",
  "creds",
  "credentials",
  "authorization",
  "privateKey",
  "key",
];

/** @throws the system's error when the file cannot be opened */
export function createLogger({ path, node, level = process.env.CELL0_LOG }: LoggerOptions): Logger {
  const file = new RotatingFile({ path, maxBytes: MAX_FILE_BYTES, maxFiles: MAX_FILES });
  return pino(
    {
      level: level !== undefined && LEVELS.includes(level) ? level : "info",
      base: { node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
      serializers: { err: boundedError, error: boundedError },
      depthLimit: 6,
      edgeLimit: 200,
      hooks: {
        logMethod(given, method) {
          const bounded = given.map((part) =>
            typeof part === "string" ? boundText(part, MAX_TEXT_BYTES) : part,
          );
          return Reflect.apply(method, this, bounded);
        },
      },
    },
    { write: (line: string) => writeLine(file, line) },
  );
}

/** A full disk costs lines, never the node. */
function writeLine(file: RotatingFile, line: string): void {
  try {
    file.append(Buffer.from(line.length <= MAX_LINE_BYTES ? line : tooLong(line)));
  } catch {}
}

function tooLong(line: string): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: "warn", time, msg: "a line was too long", chars: line.length })}\n`;
}

function boundedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  return {
    type: error.name,
    ...code,
    message: boundText(error.message, MAX_TEXT_BYTES),
    stack: boundText(error.stack ?? "", MAX_TEXT_BYTES),
    ...(error.cause instanceof Error && { cause: boundText(String(error.cause), MAX_TEXT_BYTES) }),
  };
}
