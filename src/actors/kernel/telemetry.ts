// `kernel/<node>/telemetry`: the events that this node has recorded.
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { telemetryIntents } from "./contract.ts";

export type EventQuery = {
  readonly limit: number;
  readonly actor?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly rootId?: string | undefined;
  readonly quietKernel: boolean;
};

export type TelemetryPorts = {
  /** Serialised events, oldest first: the newest `limit` that match. */
  readonly read: (query: EventQuery) => Promise<readonly Uint8Array[]>;
};

export const telemetry = serveActor<TelemetryPorts, typeof telemetryIntents>({
  intents: telemetryIntents,
  concurrency: 4,
  handlers: {
    "events.read": async (query, _meta, context) => {
      const events = await context.input.read(query);
      return inChunks(
        context,
        events.map((bytes) => Buffer.from(bytes).toString("base64")),
      );
    },
  },
});
