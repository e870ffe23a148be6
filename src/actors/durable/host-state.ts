// The host's own part of a durable state: the machine with its children and timers,
// and everything that is owed or awaited. Written and read here, with suspicion: it
// comes from a stream, and perhaps from another version.
import { z } from "zod";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import type { ReceivedIntent } from "../intent.ts";
import { isSameIntent } from "../same-intent.ts";
import type { DurableState } from "./ports.ts";

const priority = z.enum(["critical", "high", "normal", "low"]);
const id = z.string().max(128);
const json: z.ZodType<Json> = z.json();
const event = z.looseObject({ type: z.string() });
/** Id of an intent in `intents`. */
const cause = id.exactOptional();

/** An intent without its payload. */
export const intentMetaSchema = z.object({
  id,
  rootId: z.string(),
  causeId: z.string(),
  hash: z.string(),
  type: z.string(),
  principal: z.string(),
  source: z.string(),
  epoch: z.number(),
  target: z.string(),
  contentType: z.string(),
  issuedAtUnixMs: z.number(),
  deadlineUnixMs: z.number(),
  priority,
  hopLimit: z.number(),
  traceparent: z.string(),
  wantsReply: z.boolean(),
});

const request = z.object({
  sequence: z.int(),
  target: z.string(),
  intent: z.string(),
  onReply: z.string(),
  onError: z.string(),
  ref: z.string().exactOptional(),
  deadlineUnixMs: z.number(),
  taken: z.int(),
  cause,
});

const hostStateSchema = z.object({
  /** Of the behaviour; null: it states none. */
  version: z.union([z.string(), z.number()]).nullable(),
  /** null: it begins, or begins anew. */
  machine: z.unknown(),
  /** Every intent that something below was led to by. */
  intents: z.record(id, intentMetaSchema),
  causes: z.object({ timers: z.array(id.nullable()), children: z.record(z.string(), id) }),
  /** Intents whose answer is owed. `payload`: base64, when they are to be begun again. */
  owed: z.array(z.object({ id, returnAddress: json, replies: z.int(), payload: z.string().exactOptional() })),
  /** Requests that wait for their answers. */
  requests: z.array(request),
  /** Events that wait inside. */
  events: z.array(z.object({ event, cause })),
  /** Events for children, decided and not given to them. */
  sends: z.array(z.object({ to: z.string(), event, cause })),
  /** Applied ahead of one that waits. */
  ahead: z.partialRecord(priority, z.array(z.number())),
  /** The behaviour's own actions of this commit: decided again from here, they run again. */
  redo: z.object({ from: z.unknown(), events: z.array(event) }).exactOptional(),
});
export type HostState = z.infer<typeof hostStateSchema>;
export type IntentMeta = z.infer<typeof intentMetaSchema>;

/** @throws CellError ACTOR_STATE_INVALID */
export function readHostState(state: DurableState): HostState {
  const parsed = hostStateSchema.safeParse(state.host);
  if (state.format === 1 && parsed.success) return parsed.data;
  const why = parsed.success ? `its format is ${state.format}` : z.prettifyError(parsed.error).slice(0, 500);
  throw new CellError("ACTOR_STATE_INVALID", `the kept state cannot be read: ${why}`);
}

/** Gathers the intents that a state refers to. */
export class IntentTable {
  readonly all: Record<string, IntentMeta> = {};

  /** What to refer to it by: its id, with a number when others have the same. */
  ref(intent: ReceivedIntent): string {
    const { payload: _, ...rest } = intent;
    for (let number = 0; ; number += 1) {
      const name = number === 0 ? intent.id : `${intent.id}.${number}`;
      const held = this.all[name];
      if (held === undefined) this.all[name] = rest;
      else if (!isSameIntent(held, intent)) continue;
      return name;
    }
  }

  /** As a field, absent without a cause. */
  cause(intent: ReceivedIntent | undefined): { cause?: string } {
    return intent === undefined ? {} : { cause: this.ref(intent) };
  }
}

/** The intents of a state that was read; their payloads are gone. */
export function intentsOf(
  state: Pick<HostState, "intents">,
): (id: string | null | undefined) => ReceivedIntent | undefined {
  const found = new Map<string, ReceivedIntent>();
  for (const [key, each] of Object.entries(state.intents)) {
    found.set(key, { ...each, payload: new Uint8Array() });
  }
  return (key) => (key === null || key === undefined ? undefined : found.get(key));
}
