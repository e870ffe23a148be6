// Durations as people write them on the command line, and times as they read them.
import { InvalidArgumentError } from "commander";
import { parseDuration as parse } from "../manifest/duration.ts";

const MAX_MS = 3_650 * 86_400_000;

/** `250ms`, `5s`, `1.5h`, `90d`. Throws InvalidArgumentError, which becomes CLI_USAGE. */
export function parseDuration(text: string): number {
  const ms = parse(text);
  if (ms === undefined) {
    throw new InvalidArgumentError("A duration is a number and a unit: 250ms, 5s, 2m, 1h, 90d.");
  }
  if (ms < 1 || ms > MAX_MS) throw new InvalidArgumentError("It is 1ms to 3650d.");
  return ms;
}

/** `12s`, `4m10s`, `3h05m`, `2d04h`: at most two units. */
export function formatUptime(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1_000));
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** `0.42 ms`, `12.3 ms`, `1.84 s`. */
export function formatLatency(elapsedMs: number): string {
  if (elapsedMs >= 1_000) return `${(elapsedMs / 1_000).toFixed(2)} s`;
  return `${elapsedMs.toFixed(elapsedMs < 10 ? 2 : 1)} ms`;
}

/** `2026-11-23 19:31:07`, in UTC. */
export function formatTime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 19).replace("T", " ");
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 1_024) break;
    value /= 1_024;
    unit = next;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
