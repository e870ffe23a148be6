// A durable actor is killed at every point of random scripts: before a commit, between a
// commit and what it leads to, and in the middle of that. Whatever happens, each intent
// is applied once, answered once, and what it led to comes about once.
import fc from "fast-check";
import { expect, test } from "vitest";
import { assign, raise, sendParent, sendTo, setup } from "xstate";
import { z } from "zod";
import {
  defineActor,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  reply,
  request,
  send,
} from "../../../src/index.ts";
import { type DeliveredIntent, type TestActor, testActor } from "../../../src/testkit.ts";

const intents = {
  add: intent({}),
  tell: intent({}),
  ask: intent({ reply: z.unknown() }),
  wait: intent({}),
  poke: intent({}),
  own: intent({}),
  owe: intent({ reply: z.unknown() }),
  pay: intent({}),
  stream: intent({ reply: z.unknown() }),
};
type Ids = readonly string[];
type Context = { applied: Ids; fired: Ids; counted: Ids; answers: Ids; owed: Ids };
type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"answered", { of: string }>
  | RequestErrorEvent<"unanswered">
  | { type: "fired"; id: string }
  | { type: "counted"; id: string };

/** Counts by itself, a while after it was told to: its state and its timer are its own. */
const counter = setup({
  types: { context: {} as { seen: Ids }, events: {} as { type: "count" | "counting"; id: string } },
}).createMachine({
  context: { seen: [] },
  on: {
    count: {
      actions: [
        assign({ seen: ({ context, event }) => [...context.seen, event.id] }),
        raise(({ event }) => ({ type: "counting" as const, id: event.id }), {
          delay: 50,
        }),
      ],
    },
    counting: { actions: sendParent(({ event }) => ({ type: "counted", id: event.id })) },
  },
});

/** What the behaviour's own actions did to the world. */
let outside: string[] = [];

const base = setup({ types: { context: {} as Context, events: {} as Events }, actors: { counter } });
const apply = base.assign({
  applied: ({ context, event }) =>
    "intent" in event ? [...context.applied, event.intent.id] : context.applied,
});
const machine = base.createMachine({
  context: { applied: [], fired: [], counted: [], answers: [], owed: [] },
  invoke: { src: "counter", id: "counter" },
  on: {
    add: { actions: apply },
    tell: {
      actions: [
        apply,
        send(({ event }) => ({ target: "a/b", intent: "told", payload: { of: event.intent.id } })),
      ],
    },
    ask: {
      actions: [
        apply,
        request(({ event }) => ({
          target: "a/c",
          intent: "asked",
          payload: { of: event.intent.id },
          onReply: "answered",
          onError: "unanswered",
          timeoutMs: 3_000_000,
        })),
      ],
    },
    answered: {
      actions: [
        assign({ answers: ({ context, event }) => [...context.answers, event.payload.of] }),
        reply(({ event }) => event.payload.of),
      ],
    },
    wait: {
      actions: [
        apply,
        raise(({ event }) => ({ type: "fired" as const, id: event.intent.id }), {
          delay: 100,
        }),
      ],
    },
    fired: { actions: assign({ fired: ({ context, event }) => [...context.fired, event.id] }) },
    poke: { actions: [apply, sendTo("counter", ({ event }) => ({ type: "count", id: event.intent.id }))] },
    counted: { actions: assign({ counted: ({ context, event }) => [...context.counted, event.id] }) },
    own: { actions: [apply, ({ event }) => outside.push(event.intent.id)] },
    owe: {
      actions: [apply, assign({ owed: ({ context, event }) => [...context.owed, event.intent.id] })],
    },
    pay: {
      actions: [
        apply,
        reply(({ context }) => context.owed[0], { to: ({ context }) => context.owed[0] ?? "" }),
        assign({ owed: ({ context }) => context.owed.slice(1) }),
      ],
    },
    stream: {
      actions: [apply, reply(() => 1, { final: false }), reply(() => 2, { final: false }), reply(() => 3)],
    },
  },
});
const behaviour = defineActor({ machine, intents });
type Actor = TestActor<typeof machine, typeof intents>;
type Type = keyof typeof intents;

const typeOf = fc.constantFrom<Type>("add", "tell", "ask", "wait", "poke", "own", "owe", "pay", "stream");
const scripts = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant("deliver" as const),
        types: fc.array(typeOf, { minLength: 1, maxLength: 5 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 200 }) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("answer" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant("fault" as const),
        fault: fc.constantFrom("crash before", "crash after", "refused", "fenced"),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ op: fc.constant("effects" as const), count: fc.integer({ min: 0, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("crash" as const) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("stop" as const) }) },
  ),
  { minLength: 1, maxLength: 20 },
);
type Op = typeof scripts extends fc.Arbitrary<readonly (infer O)[]> ? O : never;
type Given = { readonly type: Type; readonly delivered: DeliveredIntent };

async function play(actor: Actor, script: readonly Op[]): Promise<Given[]> {
  const given: Given[] = [];
  for (const step of script) {
    await perform(actor, step, given);
    while (actor.exit !== undefined) await actor.restart();
  }
  // Whatever was still to fail fails now.
  await actor.crash();
  await actor.restart();
  while (actor.exit !== undefined) await actor.restart();
  await answerAll(actor);
  await actor.advance(1_000);
  return given;
}

async function perform(actor: Actor, step: Op, given: Given[]): Promise<void> {
  switch (step.op) {
    case "deliver": {
      const all = step.types.map(async (type) => {
        return { type, delivered: await actor.deliver(type, {}, { timeoutMs: 4_000_000 }) };
      });
      given.push(...(await Promise.all(all)));
      return;
    }
    case "advance":
      return actor.advance(step.ms);
    case "answer":
      return answerAll(actor);
    case "fault":
      return actor.failCommit(step.fault);
    case "effects":
      return actor.crashAfterEffects(step.count);
    case "crash":
      return actor.crash();
    case "stop":
      await actor.stop(1_000);
  }
}

/** Those that answer asks are asked once, whoever tells them of it again. */
async function answerAll(actor: Actor): Promise<void> {
  for (const sent of actor.sent.filter(({ wantsReply }) => wantsReply)) {
    if (actor.exit === undefined) await actor.deliverReply(sent, sent.payload);
    while (actor.exit !== undefined) await actor.restart();
  }
}

function check(actor: Actor, given: readonly Given[]): void {
  const ids = (...types: Type[]) =>
    given
      .filter(({ type }) => types.includes(type))
      .map(({ delivered }) => delivered.id)
      .sort();
  const { context, sent } = actor;
  const sorted = (list: Ids) => [...list].sort();
  expect(sorted(context.applied), "applied").toEqual(given.map(({ delivered }) => delivered.id).sort());
  expect(sorted(context.fired), "timers").toEqual(ids("wait"));
  expect(sorted(context.counted), "counted").toEqual(ids("poke"));
  const children: Record<string, { snapshot: { context: { seen: Ids } } }> = Object(
    Reflect.get(
      Object(Reflect.get(Object(Reflect.get(Object(actor.committed?.host), "machine")), "machine")),
      "children",
    ),
  );
  expect(sorted(children.counter?.snapshot.context.seen ?? []), "seen by the child").toEqual(ids("poke"));
  const of = (intentType: string) =>
    sent
      .filter((each) => each.intent === intentType)
      .map(({ payload }) => String(Reflect.get(Object(payload), "of")));
  expect(sorted(of("told")), "told").toEqual(ids("tell"));
  expect(sorted(of("asked")), "asked").toEqual(ids("ask"));
  expect(sorted(context.answers), "answers").toEqual(ids("ask"));
  expect([...new Set(outside)].sort(), "own actions").toEqual(ids("own"));
  for (const { type, delivered } of given) {
    if (type === "owe" && context.owed.includes(delivered.id)) expect(delivered.answered).toBe(false);
    else
      expect(delivered, type).toMatchObject({
        answered: true,
        error: undefined,
        replies: type === "stream" ? [1, 2, 3] : [expect.anything()],
      });
  }
}

test("whenever it dies, each intent is applied once, and what it leads to comes about once", async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      outside = [];
      await using actor = testActor(behaviour, { durable: true });
      check(actor, await play(actor, script));
    }),
    { numRuns: Number(process.env.CELL0_FUZZ_RUNS ?? 150) },
  );
}, 600_000);

const scripted: Op[] = [
  { op: "deliver", types: ["add", "tell", "ask", "wait", "poke", "own", "owe", "stream"] },
  { op: "advance", ms: 60 },
  { op: "answer" },
  { op: "deliver", types: ["pay", "poke", "wait", "tell"] },
  { op: "advance", ms: 200 },
];
const faults: Op[] = [
  { op: "fault", fault: "crash before" },
  { op: "fault", fault: "crash after" },
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((count) => ({ op: "effects" as const, count })),
];
const points = scripted.flatMap((_, at) => faults.map((fault) => [at, fault] as const));

test.each(points)("killed at step %i by %o", async (at, fault) => {
  outside = [];
  await using actor = testActor(behaviour, { durable: true });
  check(actor, await play(actor, [...scripted.slice(0, at), fault, ...scripted.slice(at)]));
});
