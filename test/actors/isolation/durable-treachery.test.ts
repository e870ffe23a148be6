// What a durable actor's side may say of itself, and what ends it: the node believes only
// what it handed over, or has committed.
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { DurableState, OutboxEntry } from "../../../src/actors/durable/ports.ts";
import { DurableChannel } from "../../../src/actors/isolation/durable/durable-channel.ts";
import { testDelivery } from "../../../src/actors/testkit/test-delivery.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { err, ok } from "../../../src/errors/result.ts";
import {
  ActorCommitSchema,
  ActorRelaySchema,
  ActorReturnSchema,
} from "../../../src/gen/cell0/v1/channel_pb.ts";

const NOW = 1_000_000;
const CODE = "c".repeat(64);
const delivery = (order: number, more = {}) =>
  testDelivery({ type: "add", payload: {}, target: "a/b", nowUnixMs: NOW, order, respond: () => {}, ...more })
    .intent;
const { payload: _, ...first } = delivery(1);
const { payload: __, ...foreign } = delivery(9);

const host = {
  version: null,
  machine: {},
  intents: {},
  causes: { timers: [], children: {} },
  owed: [],
  requests: [],
  events: [],
  sends: [],
  ahead: {},
};
const entry: OutboxEntry = {
  sequence: 1,
  target: "x/y",
  intent: "tell",
  payload: { to: "all" },
  priority: "normal",
  deadlineUnixMs: NOW + 5_000,
  cause: {
    id: first.id,
    rootId: first.rootId,
    causeId: "",
    hash: first.hash,
    type: "add",
    principal: "operator",
    source: "",
    epoch: 0,
  },
  hopLimit: first.hopLimit,
  traceparent: "",
  wantsReply: false,
};
const reply = {
  intentId: first.id,
  hash: first.hash,
  sender: "client operator",
  deadlineUnixMs: first.deadlineUnixMs,
  returnAddress: "home",
  index: 0,
  outcome: { value: 1, final: true },
};
const state: DurableState = {
  format: 1,
  codeHash: CODE,
  host,
  applied: { critical: 0, high: 0, normal: 4096, low: 0 },
  sources: { "s/t normal": 7 },
  outboxSequence: 1,
  outbox: [entry],
  replies: [reply],
};

type Kept = { readonly channel: DurableChannel; readonly kept: DurableState[]; readonly log: string[] };

/** Position 4096 is intent 1, position 8192 intent 2, which came from an actor; of intent 9 it knows nothing. */
function opened(
  loaded?: DurableState,
  outcome: () => ReturnType<typeof ok<void>> | ReturnType<typeof err<CellError>> = () => ok(undefined),
): Kept {
  const kept: DurableState[] = [];
  const log: string[] = [];
  const channel = new DurableChannel({
    durable: {
      commit: async (committed) => {
        kept.push(committed);
        return outcome();
      },
      relay: ({ sequence }) => void log.push(`relay ${sequence}`),
      responder: (address) => (answer) => void log.push(`${String(address)} ${answer.kind}`),
    },
    state: loaded,
    codeHash: CODE,
    nowUnixMs: () => NOW,
    reply: () => {},
    refused: ({ code }) => void log.push(code),
    committed: () => void log.push("committed"),
  });
  channel.given.add(delivery(1), { position: 4096, returnAddress: "home" });
  const other = delivery(2, { source: "s/t" });
  channel.given.add(other, { position: 8192, returnAddress: "away", sourceSequence: 7 });
  return { channel, kept, log };
}

const commitOf = (value: unknown) =>
  create(ActorCommitSchema, { state: new TextEncoder().encode(JSON.stringify(value)), pending: true });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a commit", () => {
  test("of what was handed over is kept as it is", async () => {
    const { channel, kept, log } = opened();
    channel.commit(commitOf(state));
    await turn();
    expect(kept).toEqual([state]);
    expect(log).toEqual(["committed"]);
  });

  test.each<[string, unknown]>([
    ["of other code", { ...state, codeHash: "d".repeat(64) }],
    ["of another format", { ...state, format: 2 }],
    ["with a part that nobody knows", { ...state, actor: "x/y" }],
    ["beyond what was delivered", { ...state, applied: { ...state.applied, normal: 8193 } }],
    ["of a priority in which nothing was delivered", { ...state, applied: { ...state.applied, high: 1 } }],
    ["ahead of what was delivered", { ...state, host: { ...host, ahead: { low: [5] } } }],
    ["beyond what a sender sent", { ...state, sources: { "s/t normal": 8 } }],
    ["of a sender that sent nothing", { ...state, sources: { "u/v normal": 1 } }],
    [
      "that keeps an intent it was not given",
      { ...state, host: { ...host, intents: { [foreign.id]: foreign } } },
    ],
    [
      "that makes an intent another's",
      { ...state, host: { ...host, intents: { [first.id]: { ...first, principal: "root" } } } },
    ],
    ["that names an intent falsely", { ...state, host: { ...host, intents: { other: first } } }],
    [
      "that owes an answer elsewhere",
      {
        ...state,
        host: {
          ...host,
          intents: { [first.id]: first },
          owed: [{ id: first.id, returnAddress: "away", replies: 0 }],
        },
      },
    ],
    ["that answers elsewhere", { ...state, replies: [{ ...reply, returnAddress: "away" }] }],
    ["that answers what it was not given", { ...state, replies: [{ ...reply, intentId: foreign.id }] }],
    ["that answers another asking", { ...state, replies: [{ ...reply, hash: foreign.hash }] }],
    [
      "that sends under a cause it was not given",
      { ...state, outbox: [{ ...entry, cause: { ...entry.cause, id: foreign.id } }] },
    ],
    [
      "that sends in another's name",
      { ...state, outbox: [{ ...entry, cause: { ...entry.cause, principal: "root" } }] },
    ],
    ["that sends further than its cause may", { ...state, outbox: [{ ...entry, hopLimit: 99 }] }],
    [
      "that sends under a token beyond any",
      { ...state, outbox: [{ ...entry, capability: "A".repeat(16_385) }] },
    ],
    ["that hops without a cause", { ...state, outbox: [{ ...entry, cause: undefined }] }],
    ["that sends without end", { ...state, outbox: [{ ...entry, deadlineUnixMs: NOW + 1e9 }] }],
    ["with an outbox beyond its sequence", { ...state, outboxSequence: 0 }],
    ["with an outbox out of order", { ...state, outbox: [entry, entry] }],
    ["whose sequence leaps", { ...state, outboxSequence: 1e9 }],
    ["whose host nobody can read", { ...state, host: { machine: {} } }],
    ["that is no object", 7],
    ["that is too large", { ...state, host: { ...host, machine: "x".repeat(600_000) } }],
  ])("%s is a violation, and is not kept", (_name, value) => {
    const { channel, kept } = opened();
    expect(() => channel.commit(commitOf(value))).toThrow(
      expect.objectContaining({ code: "ACTOR_CHANNEL_VIOLATED" }),
    );
    expect(kept).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["takes back what was applied", { ...state, applied: { ...state.applied, normal: 0 } }],
    ["takes back what a sender sent", { ...state, sources: { "s/t normal": 6 } }],
    ["takes back its outbox's sequence", { ...state, outboxSequence: 0, outbox: [] }],
    ["changes what it has sent", { ...state, outbox: [{ ...entry, target: "other/one" }] }],
  ])("that %s is a violation", (_name, value) => {
    const { channel } = opened(state);
    expect(() => channel.commit(commitOf(value))).toThrow(CellError);
  });

  test("that follows on a committed one may drop what was taken, and go on", async () => {
    const { channel, kept } = opened(state);
    channel.commit(
      commitOf({ ...state, applied: { ...state.applied, normal: 8192 }, outbox: [], replies: [] }),
    );
    await turn();
    expect(kept).toHaveLength(1);
  });

  test("while another is in flight is a violation", () => {
    const { channel } = opened();
    channel.commit(commitOf(state));
    expect(() => channel.commit(commitOf(state))).toThrow(CellError);
  });

  test("that is fenced is told, and nothing follows it", async () => {
    const { channel, log } = opened(undefined, () => err(new CellError("ACTOR_FENCED")));
    channel.commit(commitOf(state));
    await turn();
    expect(log).toEqual(["ACTOR_FENCED"]);
    expect(() => channel.relay(create(ActorRelaySchema, { sequence: 1n }))).toThrow(CellError);
  });
});

describe("what a commit leads to", () => {
  test("an entry leaves once it is committed, once", async () => {
    const { channel, log } = opened();
    const relay = create(ActorRelaySchema, { sequence: 1n });
    expect(() => channel.relay(relay)).toThrow(CellError);
    channel.commit(commitOf(state));
    expect(() => channel.relay(relay)).toThrow(CellError);
    await turn();
    channel.relay(relay);
    expect(log).toEqual(["committed", "relay 1"]);
    expect(() => channel.relay(relay)).toThrow(CellError);
  });

  test("an earlier incarnation's answer goes where the committed state says, and nowhere else", () => {
    const { channel, log } = opened(state);
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const outcome = { kind: { case: "json" as const, value: json(1) }, final: true };
    const answer = (way: number, address: string) =>
      channel.returned(create(ActorReturnSchema, { way, returnAddress: json(address), index: 0, outcome }));
    expect(() => answer(1, "away")).toThrow(CellError);
    answer(1, "home");
    expect(log).toEqual(["home value"]);
    expect(() => answer(1, "home")).toThrow(CellError);
    expect(() => answer(2, "home")).toThrow(CellError);
  });
});
