// Lines of an access log in the combined format of Apache and nginx, as data.
import { z } from "zod";

export const entry = z.object({
  atUnixMs: z.int(),
  method: z.string().max(16),
  path: z.string().max(200),
  status: z.int().min(100).max(599),
  bytes: z.int().min(0),
});
export type Entry = z.infer<typeof entry>;

const LINE = /^\S+ \S+ \S+ \[([^\]]{1,40})\] "([A-Z]{3,16}) (\S{1,2000})[^"]*" (\d{3}) (\d+|-)/;
const TIME = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Undefined for a line of another form. */
export function parseLine(line: string): Entry | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, time = "", method = "", path = "", status, bytes] = match;
  const atUnixMs = parseTime(time);
  if (atUnixMs === undefined) return undefined;
  const size = bytes === "-" ? 0 : Number(bytes);
  return { atUnixMs, method, path: path.slice(0, 200), status: Number(status), bytes: size };
}

function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  const month = MONTHS.indexOf(match?.[2] ?? "");
  if (match === null || month < 0) return undefined;
  const [, day, , year, hour, minute, second, zoneHour, zoneMinute] = match;
  const at = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  const zoneMs = (Number(zoneHour) * 60 + Math.sign(Number(`${zoneHour}1`)) * Number(zoneMinute)) * 60_000;
  return at - zoneMs;
}
