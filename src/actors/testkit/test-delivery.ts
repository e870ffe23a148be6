// An intent as the intake would hand it over: verified, authorised, decoded.
import type { Delivery, PriorityName } from "../intent.ts";

export type TestDeliveryOptions = {
  readonly type: string;
  readonly payload: unknown;
  readonly target: string;
  readonly nowUnixMs: number;
  /** Makes the id, so that a run is the same each time. */
  readonly order: number;
  readonly timeoutMs?: number;
  readonly priority?: PriorityName;
  readonly principal?: string;
  readonly source?: string;
  readonly respond: Delivery["respond"];
};

/** Bytes travel as application/octet-stream, all else as JSON. */
export function testDelivery(options: TestDeliveryOptions): Delivery {
  const { type, payload, target, nowUnixMs } = options;
  const isBytes = payload instanceof Uint8Array;
  const id = options.order.toString(16).padStart(32, "0");
  return {
    intent: {
      id,
      rootId: id,
      causeId: "",
      hash: options.order.toString(16).padStart(64, "0"),
      type,
      principal: options.principal ?? "operator",
      source: options.source ?? "",
      epoch: 0,
      target,
      contentType: isBytes ? "application/octet-stream" : "application/json",
      payload: isBytes ? payload : new TextEncoder().encode(JSON.stringify(payload ?? {})),
      issuedAtUnixMs: nowUnixMs,
      deadlineUnixMs: nowUnixMs + (options.timeoutMs ?? 5_000),
      priority: options.priority ?? "normal",
      hopLimit: 8,
      traceparent: "",
      wantsReply: true,
    },
    respond: options.respond,
  };
}
