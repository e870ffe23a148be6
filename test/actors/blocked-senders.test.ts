import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import type { PriorityName } from "../../src/actors/intent.ts";
import { WaitingRoom } from "../../src/actors/waiting-room.ts";
import { defineActor, type IntentEvents, intent, reply } from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const PRIORITIES: readonly PriorityName[] = ["critical", "high", "normal", "low"];

describe("the room outside a full mailbox", () => {
  type Item = { readonly sender: string; readonly priority: PriorityName; readonly order: number };
  const operation = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        sender: fc.constantFrom("a", "b", "c"),
        priority: fc.constantFrom(...PRIORITIES),
      }),
    },
    { weight: 1, arbitrary: fc.constant("take" as const) },
    { weight: 1, arbitrary: fc.constantFrom("a", "b").map((sender) => ({ late: sender })) },
  );

  test("is bounded, gives no sender more than half, keeps order within a priority, and loses nobody", () => {
    const property = fc.property(
      fc.array(operation, { maxLength: 300 }),
      fc.integer({ min: 1, max: 20 }),
      (operations, bound) => {
        const room = new WaitingRoom<Item>(bound, (item) => item);
        const inside = new Set<Item>();
        const last = new Map<PriorityName, number>();
        const leaves = (item: Item) => expect(inside.delete(item)).toBe(true);
        for (const [order, each] of operations.entries()) {
          if (each === "take") {
            const item = room.take();
            if (item === undefined) expect(inside.size).toBe(0);
            else {
              leaves(item);
              expect(item.order).toBeGreaterThan(last.get(item.priority) ?? -1);
              last.set(item.priority, item.order);
            }
          } else if ("late" in each) {
            for (const item of room.sweep(({ sender }) => sender !== each.late)) leaves(item);
          } else {
            const item = { ...each, order };
            const free = !room.isFullFor(item.sender);
            expect(room.put(item)).toBe(free);
            if (free) inside.add(item);
          }
          expect(room.size).toBe(inside.size);
          expect(room.size).toBeLessThanOrEqual(bound);
          for (const sender of ["a", "b", "c"]) {
            const own = [...inside].filter((item) => item.sender === sender).length;
            expect(own).toBeLessThanOrEqual(Math.ceil(bound / 2));
          }
        }
        for (let item = room.take(); item !== undefined; item = room.take()) leaves(item);
        expect(inside.size).toBe(0);
      },
    );
    fc.assert(property, { verbose: 1 });
  });

  test("has at most 1,000 places, however large the mailbox is", () => {
    const room = new WaitingRoom<number>(1_000_000, (item) => ({ sender: String(item), priority: "normal" }));
    const taken = Array.from({ length: 1_500 }, (_, at) => room.put(at)).filter(Boolean).length;
    expect(taken).toBe(1_000);
  });
});

describe("a mailbox that blocks its senders", () => {
  const intents = {
    work: intent({ payload: z.object({ n: z.number() }), reply: z.number() }),
    open: intent(),
  };
  const behaviour = defineActor({
    machine: setup({
      types: { events: {} as IntentEvents<typeof intents> },
    }).createMachine({
      initial: "closed",
      states: {
        closed: { after: { 1000: "open" } },
        open: { on: { work: { actions: reply(({ event }) => event.payload.n) } } },
      },
    }),
    intents,
    ready: (snapshot) => snapshot.value === "open",
  });
  const blocking = (bound: number) => testActor(behaviour, { mailbox: { bound, whenFull: "block" } });

  test("lets them wait outside, and takes them in the order in which they came", async () => {
    await using actor = blocking(2);
    const given = [];
    for (const [n, principal] of ["a", "a", "b", "c"].entries())
      given.push(await actor.deliver("work", { n }, { principal }));
    expect(actor.host.stats()).toMatchObject({ mailboxDepth: 4, refused: 0 });
    expect(given.map(({ answered }) => answered)).toEqual([false, false, false, false]);
    await actor.advance(1_000);
    expect(given.map(({ replies }) => replies)).toEqual([[0], [1], [2], [3]]);
    const started = actor.events.filter(({ kind }) => kind.case === "intentStarted");
    expect(started.map(({ intent: begun }) => begun?.id)).toEqual(given.map(({ id }) => id));
  });

  test("answers who waited until the deadline", async () => {
    await using actor = blocking(1);
    await actor.deliver("work", { n: 1 });
    const outside = await actor.deliver("work", { n: 2 }, { timeoutMs: 500 });
    await actor.advance(501);
    expect(outside.error).toMatchObject({ code: "ACTOR_DEADLINE_EXCEEDED" });
    expect(actor.host.stats()).toMatchObject({ mailboxDepth: 1 });
  });

  test("turns away when the room outside is full, or half of it is one sender's", async () => {
    await using actor = blocking(4);
    const fill = (principal: string) => actor.deliver("work", { n: 0 }, { principal });
    for (let n = 0; n < 4; n++) await fill("x");
    const codes = [];
    for (const principal of ["x", "x", "x", "y", "y", "z"]) codes.push((await fill(principal)).error?.code);
    expect(codes).toEqual([
      undefined,
      undefined,
      "ACTOR_MAILBOX_FULL",
      undefined,
      undefined,
      "ACTOR_MAILBOX_FULL",
    ]);
    expect((await fill("z")).error).toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) });
  });

  test("answers everybody outside when the actor ends", async () => {
    await using actor = blocking(1);
    await actor.deliver("work", { n: 1 });
    const outside = await actor.deliver("work", { n: 2 });
    await actor.host.kill();
    expect(outside.error).toMatchObject({ code: "ACTOR_NOT_RUNNING", retryable: true });
  });

  test("a larger bound lets in who waits", async () => {
    await using actor = blocking(1);
    for (let n = 0; n < 2; n++) await actor.deliver("work", { n }, { principal: String(n) });
    actor.host.reconfigure({ mailbox: { bound: 10, whenFull: "refuse" }, intents: {} });
    await actor.advance(1_000);
    expect(actor.host.stats()).toMatchObject({ handled: 2, mailboxDepth: 0 });
  });
});
