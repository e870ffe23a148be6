// A commit as an actor's side hands it in: limit, decode, then judge every part of it by
// what that side was given. Its own machine is its own affair; whom it answers, what it
// says it has applied, and in whose name it sends is not.
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { CellError } from "../../../errors/cell-error.ts";
import type { ActorCommit } from "../../../gen/cell0/v1/channel_pb.ts";
import type { Json } from "../../../manifest/graph.ts";
import { MAX_CAPABILITY_CHARS } from "../../../security/capability/capability-text.ts";
import { MAX_STATE_BYTES } from "../../durable/durable-stage.ts";
import { type HostState, readHostState } from "../../durable/host-state.ts";
import { MAX_OUTBOX } from "../../durable/outbox.ts";
import type { CommitMeta, DurableState, OutboxEntry } from "../../durable/ports.ts";
import { MAX_TIMEOUT_MS } from "../../outgoing-requests.ts";
import { parseBounded } from "../bounded-json.ts";
import type { Committed, Given } from "./given.ts";

const MAX_REPLIES = 4_096;
const MAX_SOURCES = 4_096;
/** Sequences that one commit may use up; those of steps that were undone are lost. */
const MAX_SEQUENCES = 1_000_000;
/** Clocks of this machine, read at different times. */
const SLACK_MS = 60_000;

const priority = z.enum(["critical", "high", "normal", "low"]);
const place = z.int().nonnegative();
const text = z.string().max(8_192);
const name = z.string().min(1).max(256);
/** It comes from a JSON parser. */
const json = z.custom<Json>((value) => value !== undefined);
const ref = z.strictObject({
  id: text,
  rootId: text,
  causeId: text,
  hash: text,
  type: text,
  principal: text,
  source: text,
  epoch: z.number(),
});
const entry = z.strictObject({
  sequence: z.int().positive(),
  target: name,
  intent: name,
  payload: json,
  capability: z.string().max(MAX_CAPABILITY_CHARS).exactOptional(),
  priority,
  deadlineUnixMs: z.number(),
  cause: ref.exactOptional(),
  hopLimit: z.number().exactOptional(),
  traceparent: z.string().exactOptional(),
  wantsReply: z.boolean(),
});
const outcome = z.union([
  z.strictObject({ value: json, final: z.boolean(), encoding: z.literal("base64").exactOptional() }),
  z.strictObject({
    error: z.strictObject({ code: text, message: text, remedy: text, retryable: z.boolean() }),
    begun: z.literal(false).exactOptional(),
  }),
]);
const reply = z.strictObject({
  intentId: text,
  hash: text,
  sender: text,
  deadlineUnixMs: z.number(),
  returnAddress: json,
  index: place,
  outcome,
});
const stateSchema = z.strictObject({
  format: z.literal(1),
  codeHash: z.string(),
  host: json,
  applied: z.strictObject({ critical: place, high: place, normal: place, low: place }),
  sources: z.record(z.string(), place),
  outboxSequence: place,
  outbox: z.array(entry).max(MAX_OUTBOX),
  replies: z.array(reply).max(MAX_REPLIES),
});

export type ReadCommit = { readonly committed: Committed; readonly meta: CommitMeta };

export type CommitJudge = {
  readonly given: Given;
  /** Of the code that was handed over. */
  readonly codeHash: string;
  readonly nowUnixMs: number;
};

/** @throws CellError ACTOR_CHANNEL_VIOLATED */
export function readCommit(message: ActorCommit, judge: CommitJudge): ReadCommit {
  if (message.state.byteLength > MAX_STATE_BYTES) throw untrue("it is too large");
  const parsed = stateSchema.safeParse(parseBounded(message.state, "a commit"));
  if (!parsed.success) throw untrue(z.prettifyError(parsed.error).slice(0, 500));
  const { outbox, ...rest } = parsed.data;
  const state: DurableState = { ...rest, outbox: outbox.map((each) => ({ cause: undefined, ...each })) };
  const committed = readWhole(state);
  if (state.codeHash !== judge.codeHash) throw untrue("it is of other code");
  judgeHost(committed.host, judge.given);
  judgePlaces(state, committed.host, judge.given);
  judgeOutbox(state, judge);
  for (const each of state.replies) {
    if (!judge.given.knowsReply(each)) throw untrue(`it answers ${each.intentId}, which it was not given`);
  }
  const wakeAtUnixMs = Number(message.wakeAtUnixMs);
  const meta = { pending: message.pending, ...(wakeAtUnixMs === 0 ? {} : { wakeAtUnixMs }) };
  return { committed, meta };
}

/** A state that was committed before. @throws CellError ACTOR_STATE_INVALID */
export function committedOf(state: DurableState): Committed {
  const outbox = new Map(state.outbox.map((each) => [each.sequence, each]));
  return { state, host: readHostState(state), outbox };
}

function readWhole(state: DurableState): Committed {
  try {
    return committedOf(state);
  } catch (cause) {
    throw untrue("the host's part of it cannot be read", cause);
  }
}

function judgeHost({ intents, owed }: HostState, given: Given): void {
  for (const [id, meta] of Object.entries(intents)) {
    const isNamed =
      id === meta.id || (id.startsWith(`${meta.id}.`) && /^\d+$/.test(id.slice(meta.id.length + 1)));
    if (!isNamed || !given.knows(meta)) throw untrue(`it keeps ${id}, which it was not given`);
  }
  for (const each of owed) {
    const meta = Object.hasOwn(intents, each.id) ? intents[each.id] : undefined;
    if (meta === undefined || !given.knowsWay({ id: meta.id, returnAddress: each.returnAddress }))
      throw untrue(`it owes ${each.id} an answer elsewhere`);
  }
}

function judgePlaces({ applied, sources }: DurableState, host: HostState, given: Given): void {
  const before = given.committed?.state.applied;
  for (const each of priority.options) {
    const position = applied[each];
    if (position < (before?.[each] ?? 0) || !given.knowsPosition(each, position))
      throw untrue(`it says that ${each} is applied up to ${position}`);
    for (const ahead of host.ahead[each] ?? []) {
      if (!given.knowsPosition(each, ahead)) throw untrue(`it says that ${each} ${ahead} is applied`);
    }
  }
  const named = Object.entries(sources);
  if (named.length > MAX_SOURCES) throw untrue("it names too many senders");
  for (const [source, sequence] of named) {
    if (sequence > given.lastOf(source) || given.isBehind(source, sequence))
      throw untrue("it says of a sender what was not so");
  }
}

function judgeOutbox({ outbox, outboxSequence }: DurableState, judge: CommitJudge): void {
  const before = judge.given.committed;
  const from = before?.state.outboxSequence ?? 0;
  if (outboxSequence < from || outboxSequence > from + MAX_SEQUENCES) throw untrue("its outbox leaps");
  let last = 0;
  for (const each of outbox) {
    const { sequence } = each;
    if (sequence <= last || sequence > outboxSequence) throw untrue("its outbox is out of order");
    last = sequence;
    if (sequence > from) judgeNew(each, judge);
    else if (!isDeepStrictEqual(each, withCause(before?.outbox.get(sequence))))
      throw untrue(`its outbox entry ${sequence} is not the one that was committed`);
  }
}

function judgeNew(each: OutboxEntry, { given, nowUnixMs }: CommitJudge): void {
  const { sequence, cause, hopLimit, traceparent, deadlineUnixMs } = each;
  if (deadlineUnixMs > nowUnixMs + MAX_TIMEOUT_MS + SLACK_MS)
    throw untrue(`its outbox entry ${sequence} lives for too long`);
  const isCaused =
    cause === undefined
      ? hopLimit === undefined && traceparent === undefined
      : given.knowsCause(cause, hopLimit, traceparent);
  if (!isCaused) throw untrue(`its outbox entry ${sequence} has a cause that it was not given`);
}

const withCause = (found: OutboxEntry | undefined) => found && { ...found, cause: found.cause };

const untrue = (why: string, cause?: unknown): CellError =>
  new CellError("ACTOR_CHANNEL_VIOLATED", `a commit is not to be believed: ${why}`, { cause });
