// Durations as people write them: a number and a unit. Always milliseconds inside.

import { INFINITE_MS } from "./graph.ts";

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS_MS;

/** `250ms`, `5s`, `2m`, `1h`, `7d`; whole numbers or one decimal point. */
export const DURATION_PATTERN = /^(0|[1-9]\d{0,8})(\.\d{1,3})?(ms|s|m|h|d)$/;

/** Whole milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return undefined;
  const unit = UNITS_MS[match[3] as Unit];
  const ms = Number(`${match[1]}${match[2] ?? ""}`) * unit;
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined;
}

/** A duration, or one of Erlang's two words for how a child is stopped. */
export const SHUTDOWN_PATTERN = /^((0|[1-9]\d{0,8})(\.\d{1,3})?(ms|s|m|h|d)|brutal_kill|infinity)$/;

/** `brutal_kill` is 0, `infinity` no bound at all; undefined when the text is neither nor a duration. */
export function parseShutdown(text: string): number | undefined {
  if (text === "brutal_kill") return 0;
  return text === "infinity" ? INFINITE_MS : parseDuration(text);
}

/** The shortest text that parses to the same: 5000 -> `5s`, 1500 -> `1500ms`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS_MS).reverse();
  const [name, size] = units.find(([, unitMs]) => ms > 0 && ms % unitMs === 0) ?? ["ms", 1];
  return `${ms / size}${name}`;
}
