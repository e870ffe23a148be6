// The group of actors that a rehearsal fails: it restarts all of them when one fails, half of
// them are durable, and each intent fails whoever takes it first.
import { randomBytes } from "node:crypto";
import { assign, fromPromise, setup } from "xstate";
import { z } from "zod";
import { reply } from "../../actors/action.ts";
import { defineActor } from "../../actors/behaviour.ts";
import type { ReceivedIntent } from "../../actors/intent.ts";
import { type IntentEvents, intent } from "../../actors/intent-definition.ts";
import { jsonBytes } from "../../actors/isolation/bounded-json.ts";
import type { ActorSpec, PlacedGraph, SupervisorSpec } from "../../manifest/graph.ts";
import { acceptedIntent } from "../../security/intake/describe.ts";
import { buildIntent } from "../../security/intents/build-intent.ts";
import { ID_BYTES } from "../../security/wire/capsule.ts";
import { decodeCapsule } from "../../security/wire/decode-capsule.ts";
import type { KernelPart } from "../start-child.ts";

/** Below the node's own, where no graph of a user's is, and nobody is blamed or parked. */
const GROUP = "kernel/rehearsal";
/** The node that it is placed on. */
export const NODE = "rehearsal";
const SIZE = 8;
const NEVER = 1_000_000;
const TIMEOUT_MS = 5_000;
const INBOX = "cell0.v1.rehearsal.inbox.rehearsal.0";

export const ways = ["throw", "reject"] as const;
export type Way = (typeof ways)[number];

const intents = {
  fail: intent({
    payload: z.object({ n: z.int(), how: z.enum(ways) }),
    reply: z.object({ count: z.int() }),
  }),
};

const isDurable = (index: number): boolean => index % 2 === 1;
const pathOf = (index: number): string => `${GROUP}/a${index}`;

export type MadeUpGroup = {
  readonly graph: PlacedGraph;
  readonly parts: ReadonlyMap<string, KernelPart>;
  /** The next intent for a durable or a volatile one of them, and its capsule. */
  intent(n: number, how: Way, durable: boolean): MadeUpIntent;
};

export type MadeUpIntent = { readonly intent: ReceivedIntent; readonly capsule: Uint8Array };

export function madeUpGroup(): MadeUpGroup {
  const behaviour = failing();
  const indices = Array.from({ length: SIZE }, (_, index) => index);
  const supervisor: SupervisorSpec = {
    ...{ kind: "supervisor", path: GROUP, strategy: "one_for_all", intensity: NEVER, periodMs: 1_000 },
    ...{ backoff: { initialMs: 0, maxMs: 0, factor: 1 }, restart: "permanent" },
    children: indices.map((index) => specOf(index)),
  };
  const place = { shard: 0, node: NODE, codeHash: "" };
  return {
    graph: {
      roots: [supervisor],
      clients: [],
      placed: Object.fromEntries(indices.map((index) => [pathOf(index), place])),
    },
    parts: new Map(indices.map((index) => [pathOf(index), { behaviour, input: null }])),
    intent: (n, how, durable) => {
      const targets = indices.filter((index) => isDurable(index) === durable);
      return received(pathOf(targets[n % targets.length] ?? 0), n, how);
    },
  };
}

function specOf(index: number): ActorSpec {
  return {
    ...{ kind: "actor", path: pathOf(index), behaviour: { module: GROUP, export: GROUP }, input: null },
    ...{ restart: "permanent", shutdownMs: TIMEOUT_MS, isolation: "shared", durable: isDurable(index) },
    ...{ mailbox: { bound: 64, whenFull: "refuse" }, intents: {}, grants: [], placement: {} },
  };
}

/** It remembers outside of its state what it has failed of: that outlives it. */
function failing() {
  const failed = new Set<number>();
  const failOnce = (n: number): void => {
    if (failed.has(n)) return;
    failed.add(n);
    throw new Error("it was rehearsed");
  };
  const machine = setup({
    types: {
      context: {} as { readonly count: number; readonly n: number; readonly asked: string },
      events: {} as IntentEvents<typeof intents>,
    },
    actors: { settle: fromPromise<void, number>(async ({ input }) => failOnce(input)) },
    guards: { rejects: ({ event }) => event.payload.how === "reject" },
    actions: {
      count: assign({ count: ({ context }) => context.count + 1 }),
      take: assign(({ event }) => ({ n: event.payload.n, asked: event.intent.id })),
      fail: assign(({ event }) => {
        failOnce(event.payload.n);
        return {};
      }),
    },
  }).createMachine({
    context: { count: 0, n: 0, asked: "" },
    initial: "idle",
    states: {
      idle: {
        on: {
          fail: [
            { guard: "rejects", target: "settling", actions: "take" },
            { actions: ["fail", "count", reply(({ context }) => ({ count: context.count }))] },
          ],
        },
      },
      settling: {
        invoke: {
          src: "settle",
          input: ({ context }) => context.n,
          onDone: {
            target: "idle",
            actions: [
              assign({ count: ({ context }) => context.count + 1 }),
              reply(({ context }) => ({ count: context.count }), { to: ({ context }) => context.asked }),
            ],
          },
        },
      },
    },
  });
  return defineActor({ machine, intents });
}

/** As a client's: encoded, decoded and described. */
function received(target: string, n: number, how: Way): MadeUpIntent {
  const unixMs = Date.now();
  const id = randomBytes(ID_BYTES);
  const draft = {
    ...{ target, intent: "fail", payload: jsonBytes({ n, how }), contentType: "application/json" },
    ...{ deadlineUnixMs: unixMs + TIMEOUT_MS, replyInbox: INBOX },
  };
  const built = buildIntent(draft, { nextId: () => id, tick: () => ({ unixMs, counter: 0 }) });
  if (!built.ok) throw built.error;
  const { bytes: capsule, hash } = built.value;
  const decoded = decodeCapsule(capsule);
  if (!decoded.ok) throw decoded.error;
  return { intent: acceptedIntent(decoded.value, hash, GROUP), capsule };
}
