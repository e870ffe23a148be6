// Temporary folders and small events for the telemetry tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Event } from "../../src/gen/cell0/v1/events_pb.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import { EventLog, type EventLogOptions } from "../../src/telemetry/event-log.ts";
import { type ReadOptions, readEvents } from "../../src/telemetry/read-events.ts";

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cell0-telemetry-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openLog(path: string, options: Partial<EventLogOptions> = {}): EventLog {
  const log = new EventLog({ path, ...options });
  onTestFinished(() => log.close());
  return log;
}

export function logged(message: string, actor = "g/a"): EventInput {
  return { actor, kind: { case: "actorLogged", value: { level: "info", message } } };
}

export function refused(principal: string, code = "CAPSULE_BAD", stage = "signature"): EventInput {
  const error = { code, message: "no", remedy: "none", retryable: false };
  return { kind: { case: "intentRefused", value: { principal, stage, error, target: "g/a" } } };
}

export async function allEvents(path: string, options: Omit<ReadOptions, "path"> = {}): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of readEvents({ path, ...options })) events.push(event);
  return events;
}

export function messageOf(event: Event): string {
  return event.kind.case === "actorLogged" ? event.kind.value.message : (event.kind.case ?? "");
}
