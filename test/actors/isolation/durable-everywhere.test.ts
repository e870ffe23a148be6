import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import type { ExitReason } from "../../../src/actors/child.ts";
import type { OutgoingIntent } from "../../../src/actors/intent.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { err, ok } from "../../../src/errors/result.ts";
import { SuccessionDesk } from "../../../src/runtime/succession-desk.ts";
import { systemClock } from "../../../src/supervisor/ports.ts";
import { closeHouse } from "./housed.ts";
import { type HousedDurable, type HousedDurableOptions, housedDurable } from "./housed-durable.ts";

const running: HousedDurable[] = [];
afterAll(closeHouse);
afterEach(async () => {
  for (const each of running.splice(0)) await each.host().kill();
});

async function start(options: HousedDurableOptions): Promise<HousedDurable> {
  const actor = await housedDurable(options);
  running.push(actor);
  return actor;
}

const failureOf = (reason: ExitReason) => (reason.kind === "failed" ? reason.failure : undefined);

describe.each(["shared", "worker", "process"] as const)("the same durable behaviour, %s", (isolation) => {
  test("replies after the commit, and goes on from it in the next incarnation", async () => {
    const actor = await start({ isolation, input: { start: 40 } });
    const answers = await Promise.all([1, 2, 3].map((n) => actor.ask("add", { n })));
    expect(answers.map(({ values }) => values)).toEqual([[{ total: 41 }], [{ total: 43 }], [{ total: 46 }]]);
    expect(actor.memory.state?.applied.normal).toBe(3);
    expect(actor.host().stats()).toMatchObject({ handled: 3, refused: 0, mailboxDepth: 0, openRequests: 0 });
    await actor.host().kill();
    await actor.start();
    expect((await actor.ask("add", { n: 1 })).values).toEqual([{ total: 47 }]);
  });

  test("replies, streams, refusals and bytes come as they do elsewhere", async () => {
    const { ask } = await start({ isolation });
    expect(await ask("quiet", { text: "abc" })).toEqual({ values: [{}], error: undefined });
    expect((await ask("stream", { parts: 9 })).values).toEqual([0, 1, 9]);
    expect((await ask("refuse")).error).toMatchObject({ code: "ACTOR_REFUSED", remedy: "Come tomorrow." });
    expect((await ask("misreply")).error?.code).toBe("ACTOR_REPLY_INVALID");
    expect((await ask("add", { n: "x" })).error?.code).toBe("ACTOR_PAYLOAD_INVALID");
    expect((await ask("unheard.of")).error?.code).toBe("ACTOR_INTENT_UNKNOWN");
    const [bytes] = (await ask("bytes", Uint8Array.of(1, 2, 3))).values;
    expect(Array.from(bytes as Uint8Array)).toEqual([3, 2, 1]);
  });

  test("what the manifest leaves of its intents holds, and its answer is committed", async () => {
    const schema = { type: "object", properties: { n: { type: "number", maximum: 5 } } };
    const actor = await start({ isolation, spec: { intents: { add: { payload: schema } } } });
    expect(Object.keys(actor.host().describe().intents)).toEqual(["add"]);
    expect((await actor.ask("add", { n: 6 })).error?.code).toBe("ACTOR_PAYLOAD_INVALID");
    expect((await actor.ask("say", { text: "x" })).error?.code).toBe("ACTOR_INTENT_UNKNOWN");
    await vi.waitFor(() => expect(actor.memory.state?.applied.normal).toBe(2));
  });

  test("asks and tells others by its outbox, in the name of the intent in hand", async () => {
    const actor = await start({
      isolation,
      onSend: ({ target }, onReply) => {
        if (target === "good/one") onReply?.(ok({ value: { yes: 1 }, final: true }));
        else onReply?.(err(new CellError("ACTOR_NOT_FOUND")));
      },
    });
    expect((await actor.ask("ask", { target: "good/one" })).values).toEqual([{ yes: 1 }]);
    expect((await actor.ask("ask", { target: "bad/one" })).error?.message).toBe("ACTOR_NOT_FOUND");
    await actor.ask("tell", { target: "good/one" });
    await vi.waitFor(() => expect(actor.sent).toHaveLength(3));
    expect(actor.sent.map(({ target, intent, cause }) => [target, intent, cause?.type])).toEqual([
      ["good/one", "question", "ask"],
      ["bad/one", "question", "ask"],
      ["good/one", "news", "tell"],
    ]);
  });

  test("timers, promises and children survive a kill, and the answer comes", async () => {
    const actor = await start({ isolation });
    // Long enough to be killed before it fires; it may fire as soon as the next one is up.
    const late = actor.ask("later", { ms: 1_500 });
    await vi.waitFor(() => expect(actor.memory.state?.applied.normal).toBe(1));
    await actor.host().kill();
    expect(actor.memory.state).toMatchObject({ host: { machine: { machine: { value: "waiting" } } } });
    await actor.start();
    expect((await late).values).toEqual(["late"]);
    expect((await actor.ask("work", { text: "loud" })).values).toEqual(["LOUD"]);
    expect((await actor.ask("tick")).values).toEqual([3]);
  });

  test("a request that was sent before a kill is answered after it", async () => {
    const replies: OutgoingIntent["onReply"][] = [];
    const actor = await start({ isolation, onSend: (_, onReply) => void replies.push(onReply) });
    const asked = actor.ask("ask", { target: "good/one", timeoutMs: 60_000 }, 60_000);
    await vi.waitFor(() => expect(replies).toHaveLength(1));
    await actor.host().kill();
    await actor.start();
    await vi.waitFor(() => expect(replies).toHaveLength(2));
    replies[1]?.(ok({ value: "at last", final: true }));
    expect((await asked).values).toEqual(["at last"]);
    expect(actor.sent).toHaveLength(1);
  });

  test.each(["crash before", "crash after"] as const)(
    "a death by %s of a commit neither loses nor repeats",
    async (fault) => {
      const actor = await start({ isolation });
      await actor.ask("add", { n: 1 });
      actor.memory.fault = fault;
      const asked = actor.ask("add", { n: 2 });
      await actor.host().exited;
      await actor.start();
      expect((await asked).values).toEqual([{ total: 3 }]);
      expect((await actor.ask("add", { n: 3 })).values).toEqual([{ total: 6 }]);
    },
  );

  test.each([
    ["refused", "ACTOR_COMMIT_FAILED"],
    ["fenced", "ACTOR_FENCED"],
  ] as const)("a commit that is %s ends it, and nothing of it comes about", async (fault, code) => {
    const actor = await start({ isolation });
    await actor.ask("add", { n: 1 });
    actor.memory.fault = fault;
    const told = actor.ask("tell", { target: "good/one" });
    expect(failureOf(await actor.host().exited)).toMatchObject({ class: "loss", name: code });
    expect(actor.sent).toEqual([]);
    await actor.start();
    expect((await told).values).toEqual([{}]);
    expect(actor.sent).toHaveLength(1);
  });

  test.each(["crash.action", "crash.guard", "crash.assign", "crash.promise", "crash.stray"])(
    "%s ends it with the intent in hand, which is counted",
    async (type) => {
      // The test runner takes these for its own; see async-failures.test.ts.
      if (isolation === "shared" && type === "crash.stray") return;
      const counted: string[] = [];
      const succession = {
        died: () => ({ kind: "again" as const }),
        counted: (intent: { type: string }) => {
          counted.push(intent.type);
          return "poison" as const;
        },
        isPoison: () => false,
        refuses: () => undefined,
        leave: () => {},
      };
      const actor = await start({ isolation, succession });
      await actor.ask("add", { n: 5 });
      void actor.ask(type);
      const failure = failureOf(await actor.host().exited);
      expect(failure).toMatchObject({ intent: { type }, rootActor: "test/desk" });
      // What fails after its commit fails after its answer.
      if (type === "crash.guard" || type === "crash.assign") {
        expect(counted).toEqual([type]);
        expect(failure?.class).toBe("poison");
      }
    },
  );

  test("an intent that has killed too often is answered, and the answer is committed", async () => {
    const poison = new CellError("ACTOR_INTENT_POISONOUS");
    const succession = {
      died: () => ({ kind: "again" as const }),
      counted: () => "again" as const,
      isPoison: () => false,
      refuses: ({ intent }: { intent: { type: string } }) => (intent.type === "quiet" ? poison : undefined),
      leave: () => {},
    };
    const actor = await start({ isolation, succession });
    expect((await actor.ask("quiet", { text: "abc" })).error?.code).toBe("ACTOR_INTENT_POISONOUS");
    expect((await actor.ask("add", { n: 1 })).values).toEqual([{ total: 1 }]);
    expect(actor.memory.state?.applied.normal).toBe(2);
  });

  test("an event that waited inside and kills it is let go with its second death (chaos, seed 109)", async () => {
    const desk = new SuccessionDesk({ clock: systemClock, bury: () => {}, record: () => {} });
    const bad = [{ event: { type: "crash.assign" } }];
    let isHeld = false;
    const actor = await start({
      isolation,
      succession: desk.portFor("test/desk", { term: 1, activation: 1 }, () => 2),
      resumed: (state) => (isHeld ? { ...state, host: { ...Object(state.host), events: bad } } : state),
    });
    await actor.ask("add", { n: 5 });
    await actor.host().kill();
    isHeld = true;
    const deaths: unknown[] = [];
    for (let death = 0; death < 2; death += 1) {
      await actor.start();
      deaths.push(failureOf(await actor.host().exited)?.class);
    }
    expect(deaths).toEqual(["crash", "poison"]);
    await actor.start();
    expect((await actor.ask("add", { n: 1 })).values).toEqual([{ total: 6 }]);
    expect(actor.memory.state?.host).toMatchObject({ events: [] });
    const logged = actor.events.flatMap(({ kind }) =>
      kind.case === "actorLogged" ? [kind.value.message] : [],
    );
    expect(logged).toEqual([expect.stringMatching(/event crash\.assign .* is let go/)]);
  });

  test("stop ends it when what it decided has come about; the rest is taken up by the next", async () => {
    const actor = await start({ isolation });
    const late = actor.ask("later", { ms: 300 });
    await vi.waitFor(() => expect(actor.memory.state?.applied.normal).toBe(1));
    expect(await actor.host().stop(5_000)).toEqual({ kind: "shutdown" });
    await actor.start();
    expect((await late).values).toEqual(["late"]);
  });

  test("a final state is its end, and what it owes is answered", async () => {
    const actor = await start({ isolation });
    const open = actor.ask("never");
    await actor.ask("finish");
    expect(await actor.host().exited).toEqual({ kind: "normal" });
    expect((await open).error?.code).toBe("ACTOR_NOT_RUNNING");
  });

  test("a full mailbox takes no more until some are begun", async () => {
    const actor = await start({ isolation, spec: { mailbox: { bound: 2, whenFull: "refuse" } } });
    const answers = Array.from({ length: 20 }, (_, n) => actor.ask("work", { text: `${n}` }, 1_000));
    await actor.host().kill();
    await actor.start();
    const some = await Promise.race(answers);
    expect(some.error?.code ?? some.values[0]).toBeDefined();
    expect(actor.host().stats().mailboxDepth).toBeLessThanOrEqual(20);
  });

  test("load with kills in between is applied once each", async () => {
    const actor = await start({ isolation });
    let expected = 0;
    const asked: Promise<unknown>[] = [];
    for (let round = 0; round < 4; round++) {
      for (let n = 1; n <= 25; n++) {
        asked.push(actor.ask("add", { n }));
        expected += n;
      }
      await vi.waitFor(() => expect(actor.memory.state?.applied.normal ?? 0).toBeGreaterThan(round * 25 + 5));
      await actor.host().kill();
      await actor.start();
    }
    await Promise.all(asked);
    expect((await actor.ask("add", { n: 0 })).values).toEqual([{ total: expected }]);
  });
});
