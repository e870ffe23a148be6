// A capability that a durable actor sends under is kept with what it sends.
import { expect, test } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import {
  defineActor,
  type IntentEvents,
  intent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
  send,
} from "../../../src/index.ts";
import { testActor } from "../../../src/testkit.ts";

const intents = {
  ask: intent({ payload: z.object({ capability: z.any().optional() }), reply: z.unknown() }),
  tell: intent({ payload: z.object({ capability: z.string(), delayMs: z.int().optional() }) }),
};
type Events = IntentEvents<typeof intents> | { type: "heard"; ref?: string } | RequestErrorEvent<"failed">;
const machine = setup({ types: { events: {} as Events } }).createMachine({
  on: {
    ask: {
      actions: request(({ event }) => ({
        ...{ target: "shop/till", intent: "pay", capability: event.payload.capability },
        ...{ onReply: "heard", onError: "failed", ref: event.intent.id },
      })),
    },
    tell: {
      actions: send(({ event: { payload } }) => ({
        ...{ target: "shop/till", intent: "pay", capability: payload.capability },
        ...(payload.delayMs === undefined ? {} : { delayMs: payload.delayMs }),
      })),
    },
    heard: { actions: reply(() => "paid", { to: ({ event }) => event.ref ?? "" }) },
    failed: {
      actions: refuse(({ event }) => ({ message: event.error.code }), { to: ({ event }) => event.ref ?? "" }),
    },
  },
});
const agent = defineActor({ machine, intents });
const capability = "AAECAw";

test("it leaves with the intent after a death right after the commit", async () => {
  await using actor = testActor(agent, { durable: true });
  actor.failCommit("crash after");
  await actor.deliver("ask", { capability });
  expect(actor.sent).toEqual([]);
  await actor.restart();
  expect(actor.sent).toMatchObject([{ target: "shop/till", intent: "pay", capability }]);
});

test.each([true, false])("it leaves with what is sent later, durable or not: %s", async (durable) => {
  await using actor = testActor(agent, { durable });
  await actor.deliver("tell", { capability, delayMs: 1_000 });
  expect(actor.sent).toEqual([]);
  await actor.advance(1_000);
  expect(actor.sent).toMatchObject([{ intent: "pay", capability }]);
});

test("what is no capability is answered with a code, and is no failure of the actor", async () => {
  await using actor = testActor(agent, { durable: true });
  // Without one at all it would rest on what the actor is granted.
  for (const none of [undefined, null, 7, {}]) {
    const asked = await actor.deliver("ask", { capability: none });
    expect(asked.error?.message).toBe("CAPABILITY_MALFORMED");
  }
  for (const text of ["", "not base64url", "A".repeat(20_000)]) {
    const asked = await actor.deliver("ask", { capability: text });
    expect(asked.error?.message).toBe("CAPABILITY_MALFORMED");
    await actor.deliver("tell", { capability: text });
    expect(actor.logs.at(-1)?.message).toMatch(/was not sent: CAPABILITY_MALFORMED/);
  }
  expect([actor.exit, actor.sent]).toEqual([undefined, []]);
});
