// Texts of a manifest that have a form: names, durations, sizes. Each names its
// form wherever it does not fit.
import { z } from "zod";
import { DURATION_PATTERN, parseDuration, parseShutdown, SHUTDOWN_PATTERN } from "./duration.ts";
import { TOKEN_PATTERN } from "./names.ts";
import { parseSize, SIZE_PATTERN } from "./size.ts";

/** A text of some form; `expected` names the form wherever it does not fit. */
export const text = (title: string, pattern: RegExp, expected: string, examples: readonly string[]) =>
  z
    .string(expected)
    .regex(pattern, expected)
    .meta(examples.length === 0 ? { title } : { title, examples: [...examples] });

export const name = text("name", TOKEN_PATTERN, "a name of a-z, 0-9 and -, at most 63 characters", []);

/** From `least` to `most`, both included. */
export const duration = (least: string, most: string) => {
  const within = (value: string) => {
    const ms = parseDuration(value);
    // The pattern has told it already.
    if (ms === undefined && !DURATION_PATTERN.test(value)) return true;
    return ms !== undefined && ms >= (parseDuration(least) ?? 0) && ms <= (parseDuration(most) ?? 0);
  };
  return text("duration", DURATION_PATTERN, "a duration such as 250ms, 5s, 2m or 1h", [
    "250ms",
    "5s",
    "2m",
  ]).refine(within, `a duration from ${least} to ${most}`);
};

export const size = text("size", SIZE_PATTERN, "a size such as 64MiB or 10KB", ["64MiB", "1GiB"]);

/** From `least` to `most`, both included. */
export const sizeWithin = (least: string, most: string) =>
  size.refine((value) => {
    const bytes = parseSize(value);
    if (bytes === undefined && !SIZE_PATTERN.test(value)) return true;
    return bytes !== undefined && bytes >= (parseSize(least) ?? 0) && bytes <= (parseSize(most) ?? 0);
  }, `a size from ${least} to ${most}`);

export const shutdown = text(
  "duration, brutal_kill or infinity",
  SHUTDOWN_PATTERN,
  "a duration such as 5s, brutal_kill or infinity",
  ["5s", "brutal_kill", "infinity"],
).refine((value) => {
  const ms = parseShutdown(value);
  return value === "infinity" || ms === undefined || ms <= 3_600_000;
}, "a duration from 0ms to 1h, brutal_kill or infinity");
