// One event, as text or as JSON.
import type { Event } from "../gen/cell0/v1/events_pb.ts";
import { eventToJson, formatEvent } from "../telemetry/format.ts";
import type { Context } from "./context.ts";

export function printEvent(context: Context, event: Event): void {
  context.print(formatEvent(event, { color: context.colors.isColorSupported }));
  if (context.json) context.printJson(eventToJson(event));
}
