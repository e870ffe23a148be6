// What a node records of itself: events into its log and onto the bus, its own
// log, and spans.
import type { CellError } from "../errors/cell-error.ts";
import type { HybridClock } from "../security/clock/hybrid-clock.ts";
import { type EventInput, eventKinds } from "../telemetry/event.ts";
import { EventLog } from "../telemetry/event-log.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { createRecorder, type Recorder } from "../telemetry/recorder.ts";
import { createTracing, type Tracing } from "../telemetry/tracing.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { eventSubject } from "../transport/subjects.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { EventBus } from "./event-bus.ts";
import { packageVersion } from "./package-info.ts";

export type NodeTelemetry = {
  /**
   * Opens the files, which one process of a node may write at a time; what came before waits for it.
   * @param forgetting whether what came before concerns nobody
   */
  begin(options: { readonly forgetting: boolean }): void;
  /** Never throws. */
  readonly record: (event: EventInput) => void;
  readonly tracing: Tracing;
  /** Writes an error into the node's own log. */
  problem(error: CellError): void;
  /** From now on events go out on the bus too; after `begin`. */
  publishOn(connection: BrokerConnection, cell: string): void;
  /** Makes what was recorded readable, and sends what the bus still lacks. */
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

/** What happened before `begin`, at most. */
const MAX_WAITING = 1_024;

export function openNodeTelemetry({ dir, config, clock, observe }: NodeTelemetryOptions): NodeTelemetry {
  const tracing = createTracing({ cell: config.cell, node: config.node, version: packageVersion });
  const detailed = process.env.CELL0_EVENTS === "all";
  let waiting: ((files: Files) => void)[] = [];
  let files: Files | undefined;
  const write = (entry: (files: Files) => void) => {
    if (files !== undefined) entry(files);
    else if (waiting.length < MAX_WAITING) waiting.push(entry);
  };
  let bus: EventBus | undefined;
  return {
    begin({ forgetting }) {
      if (files !== undefined) return;
      files = openFiles(dir, config, clock);
      const before = waiting;
      waiting = [];
      if (!forgetting) for (const entry of before) entry(files);
    },
    record(event) {
      observe(event);
      if (detailed || !DETAILS.includes(event.kind.case)) write(({ recorder }) => recorder.record(event));
    },
    tracing,
    problem: ({ code, message, where, cause }) =>
      write(({ logger }) =>
        logger.warn({ code, where, ...(cause instanceof Error ? { err: cause } : {}) }, message),
      ),
    publishOn(connection, cell) {
      bus = new EventBus({
        isOpen: () => connection.isConnected(),
        publish: (subject, bytes) => connection.publish(subject, bytes),
        onFailure: (error) => connection.tellProblem(error, "events"),
      });
      const out = bus;
      const subjects = new Map(eventKinds.map((kind) => [kind, eventSubject(cell, config.node, kind)]));
      files?.recorder.subscribe((kind, bytes) =>
        out.add(subjects.get(kind) ?? eventSubject(cell, config.node, kind), bytes),
      );
    },
    flush() {
      files?.recorder.flush();
      bus?.flush();
    },
    async close() {
      files?.recorder.close();
      files?.log.close();
      await tracing.shutdown();
      files?.logger.flush();
    },
  };
}

type Files = { readonly log: EventLog; readonly recorder: Recorder; readonly logger: Logger };

function openFiles(dir: DataDir, config: CellConfig, clock: HybridClock): Files {
  const log = new EventLog({ path: dir.events });
  const logger = createLogger({ path: dir.nodeLog, node: config.node });
  const recorder = createRecorder({ node: config.node, log, now: () => clock.tick() });
  if (log.opened.tornBytes > 0)
    logger.warn({ tornBytes: log.opened.tornBytes }, "the event log was torn and mended");
  return { log, recorder, logger };
}
