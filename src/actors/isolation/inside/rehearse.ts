// A made-up actor is started, asked once and stopped, by the very code that a real one
// runs under and over a channel that leads nowhere: a program that has done it once is
// several times as fast at it. Nothing of any actor is in it, and nothing of it stays.
import { fromBinary } from "@bufbuild/protobuf";
import { assign, fromPromise, setup } from "xstate";
import { z } from "zod";
import { type FromActor, FromActorSchema } from "../../../gen/cell0/v1/channel_pb.ts";
import { reply } from "../../action.ts";
import { type Behaviour, defineActor } from "../../behaviour.ts";
import type { ReceivedIntent } from "../../intent.ts";
import { type IntentEvents, intent } from "../../intent-definition.ts";
import { jsonBytes } from "../bounded-json.ts";
import { FrameReader } from "../frames.ts";
import { deliveryFrame, MAX_VALUE_BYTES, toActorFrame } from "../messages.ts";
import { type Inside, runInside } from "./run-inside.ts";

const PATH = "rehearsal";
const ID = "0".repeat(32);
const TIMEOUT_MS = 2_000;

/** Whether it came to its end. Never rejects. @param durable which of the two kinds of actors is played */
export async function rehearse(durable: boolean): Promise<boolean> {
  const { promise: ended, resolve } = Promise.withResolvers<boolean>();
  const late = setTimeout(() => resolve(false), TIMEOUT_MS);
  const reader = new FrameReader(MAX_VALUE_BYTES);
  const inside = runInside({
    write(bytes) {
      for (const frame of reader.push(bytes)) {
        const answer = answerTo(fromBinary(FromActorSchema, frame), durable);
        // As over a channel: never within what is being said.
        if (answer !== undefined) queueMicrotask(() => inside.take(answer));
      }
    },
    load: async () => part,
    done: () => resolve(true),
  });
  begin(inside, durable);
  const isOver = await ended;
  clearTimeout(late);
  return isOver;
}

function begin(inside: Inside, durable: boolean): void {
  const start = {
    path: PATH,
    module: PATH,
    export: PATH,
    input: jsonBytes(null),
    beatMs: TIMEOUT_MS,
    window: 1,
  };
  inside.take(toActorFrame({ case: "start", value: { ...start, durable } }));
}

/** What a node would say next. */
function answerTo({ kind }: FromActor, durable: boolean): Uint8Array | undefined {
  switch (kind.case) {
    case "up":
      return deliveryFrame(1n, question(), durable ? journaled : undefined);
    case "commit":
      return toActorFrame({ case: "committed", value: {} });
    case "reply":
      return toActorFrame({ case: "stop", value: { graceMs: TIMEOUT_MS } });
    default:
      return undefined;
  }
}

const journaled = { journaled: { position: 1, returnAddress: null }, refused: undefined };

function question(): ReceivedIntent {
  const nowUnixMs = Date.now();
  return {
    ...{ id: ID, rootId: ID, causeId: "", hash: "", type: "ask", principal: PATH, source: "", epoch: 0 },
    ...{ target: PATH, contentType: "application/json", payload: jsonBytes({ n: 1 }), traceparent: "" },
    ...{ issuedAtUnixMs: nowUnixMs, deadlineUnixMs: nowUnixMs + TIMEOUT_MS, hopLimit: 1, wantsReply: true },
    priority: "normal",
  };
}

const intents = {
  ask: intent({
    payload: z.object({ n: z.int().min(0), how: z.enum(["so"]).optional() }),
    reply: z.object({ n: z.int(), all: z.array(z.tuple([z.int(), z.string()])) }),
  }),
};

const machine = setup({
  types: { context: {} as { readonly n: number }, events: {} as IntentEvents<typeof intents> },
  actors: { settle: fromPromise(async () => "settled") },
}).createMachine({
  context: { n: 0 },
  initial: "settling",
  on: {
    ask: {
      actions: [
        assign({ n: ({ event }) => event.payload.n }),
        reply(({ context }) => ({ n: context.n, all: [[context.n, PATH]] })),
      ],
    },
  },
  states: { settling: { invoke: { src: "settle", onDone: "settled" } }, settled: {} },
});

const part: Behaviour = defineActor({ machine, intents });
