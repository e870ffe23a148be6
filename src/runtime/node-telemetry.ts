// What a node records of itself: events into its log and onto the bus, its own
// log, and spans.
import type { CellError } from "../errors/cell-error.ts";
import type { HybridClock } from "../security/clock/hybrid-clock.ts";
import type { EventInput } from "../telemetry/event.ts";
import { EventLog } from "../telemetry/event-log.ts";
import { createLogger } from "../telemetry/logger.ts";
import { createRecorder, type Recorder } from "../telemetry/recorder.ts";
import { createTracing, type Tracing } from "../telemetry/tracing.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { eventSubject } from "../transport/subjects.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { packageVersion } from "./package-info.ts";

export type NodeTelemetry = {
  /** Never throws. */
  readonly record: (event: EventInput) => void;
  readonly tracing: Tracing;
  /** Writes an error into the node's own log. */
  problem(error: CellError): void;
  /** From now on events go out on the bus too. */
  publishOn(connection: BrokerConnection, cell: string): void;
  /** Makes what was recorded readable. */
  flush(): void;
  close(): Promise<void>;
};

export type NodeTelemetryOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly clock: HybridClock;
  /** Sees each event before it is recorded. */
  readonly observe: (event: EventInput) => void;
};

/** Of an intent that goes well these add nothing to its acceptance and its end; CELL0_EVENTS=all records them too. */
const DETAILS: readonly string[] = ["intentStarted", "replied"];

export function openNodeTelemetry({ dir, config, clock, observe }: NodeTelemetryOptions): NodeTelemetry {
  const log = new EventLog({ path: dir.events });
  const logger = createLogger({ path: dir.nodeLog, node: config.node });
  const recorder: Recorder = createRecorder({ node: config.node, log, now: () => clock.tick() });
  const tracing = createTracing({ cell: config.cell, node: config.node, version: packageVersion });
  if (log.opened.tornBytes > 0)
    logger.warn({ tornBytes: log.opened.tornBytes }, "the event log was torn and mended");
  const detailed = process.env.CELL0_EVENTS === "all";
  return {
    record(event) {
      observe(event);
      if (detailed || !DETAILS.includes(event.kind.case)) recorder.record(event);
    },
    tracing,
    problem: ({ code, message, where, cause }) =>
      logger.warn({ code, where, ...(cause instanceof Error ? { err: cause } : {}) }, message),
    publishOn(connection, cell) {
      recorder.subscribe((kind, bytes) => {
        if (connection.isConnected()) connection.publish(eventSubject(cell, config.node, kind), bytes);
      });
    },
    flush: () => recorder.flush(),
    async close() {
      recorder.close();
      log.close();
      await tracing.shutdown();
      logger.flush();
    },
  };
}
