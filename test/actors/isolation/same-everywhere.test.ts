import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import type { ExitReason } from "../../../src/actors/child.ts";
import type { SuccessionPort } from "../../../src/actors/succession.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { err, ok } from "../../../src/errors/result.ts";
import { closeHouse, type Housed, type HousedOptions, housed } from "./housed.ts";

const running: Housed[] = [];
afterAll(closeHouse);
afterEach(async () => {
  for (const { host } of running.splice(0)) await host.kill();
});

async function start(options: HousedOptions): Promise<Housed> {
  const actor = await housed(options);
  running.push(actor);
  return actor;
}

/** Of this event loop: what others say meanwhile lies unread. */
const standStill = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);

const failureOf = (reason: ExitReason) => (reason.kind === "failed" ? reason.failure : undefined);

describe.each(["shared", "worker", "process"] as const)("the same behaviour, %s", (isolation) => {
  test("starts from its input, handles intents in order and replies", async () => {
    const { ask, host } = await start({ isolation, input: { start: 40 } });
    const answers = await Promise.all([1, 2, 3].map((n) => ask("add", { n })));
    expect(answers.map(({ values }) => values)).toEqual([[{ total: 41 }], [{ total: 43 }], [{ total: 46 }]]);
    expect(host.stats()).toMatchObject({
      state: "idle",
      handled: 3,
      refused: 0,
      mailboxDepth: 0,
      openRequests: 0,
    });
  });

  test("describes its intents and states, and accepts what the manifest lists", async () => {
    const { ask, host } = await start({
      isolation,
      spec: {
        intents: { add: { payload: { type: "object", properties: { n: { type: "number", maximum: 5 } } } } },
      },
    });
    expect(host.describe()).toMatchObject({
      intents: { add: { payload: { type: "object" }, manifest: { type: "object" } } },
      states: ["idle", "waiting", "working", "counting", "done"],
    });
    expect(Object.keys(host.describe().intents)).toEqual(["add"]);
    expect((await ask("add", { n: 6 })).error?.code).toBe("ACTOR_PAYLOAD_INVALID");
    expect((await ask("say", { text: "x" })).error?.code).toBe("ACTOR_INTENT_UNKNOWN");
    expect(host.reconfigure({ mailbox: { bound: 1, whenFull: "refuse" }, intents: {} }).ok).toBe(true);
    expect((await ask("add", { n: 6 })).values).toEqual([{ total: 6 }]);
    const refused = host.reconfigure({ mailbox: { bound: 1, whenFull: "refuse" }, intents: { nothing: {} } });
    expect(refused.ok ? undefined : refused.error.code).toBe("ACTOR_INTENT_SCHEMA_INVALID");
  });

  test("an intent without a reply is answered, a stream in parts, a refusal with its words", async () => {
    const { ask } = await start({ isolation });
    expect(await ask("quiet", { text: "abc" })).toEqual({ values: [{}], error: undefined });
    expect((await ask("stream", { parts: 9 })).values).toEqual([0, 1, 9]);
    expect((await ask("refuse")).error).toMatchObject({
      code: "ACTOR_REFUSED",
      message: "not today",
      remedy: "Come tomorrow.",
    });
    expect((await ask("misreply")).error?.code).toBe("ACTOR_REPLY_INVALID");
    expect((await ask("add", { n: "x" })).error?.code).toBe("ACTOR_PAYLOAD_INVALID");
    expect((await ask("unheard.of")).error?.code).toBe("ACTOR_INTENT_UNKNOWN");
    expect((await ask("bytes", Uint8Array.of(1, 2, 3))).values).toEqual([Uint8Array.of(3, 2, 1)]);
  });

  test("asks others in the name of the intent in hand, and takes their answers and errors", async () => {
    const { ask, sent } = await start({
      isolation,
      onSend: ({ target, onReply }) => {
        if (target === "good/one") onReply?.(ok({ value: { yes: 1 }, final: true }));
        else onReply?.(err(new CellError("ACTOR_NOT_FOUND")));
      },
    });
    expect((await ask("ask", { target: "good/one" })).values).toEqual([{ yes: 1 }]);
    expect((await ask("ask", { target: "bad/one" })).error).toMatchObject({
      code: "ACTOR_REFUSED",
      message: "ACTOR_NOT_FOUND",
    });
    await ask("tell", { target: "good/one" });
    expect(
      sent.map(({ target, intent, payload, timeoutMs, cause }) => [
        target,
        intent,
        payload,
        timeoutMs,
        cause?.type,
      ]),
    ).toEqual([
      ["good/one", "question", { from: "desk" }, 1000, "ask"],
      ["bad/one", "question", { from: "desk" }, 1000, "ask"],
      ["good/one", "news", { hot: true }, 5000, "tell"],
    ]);
  });

  test("timers, invoked promises and callback children work", async () => {
    const { ask } = await start({ isolation });
    expect((await ask("later", { ms: 5 })).values).toEqual(["late"]);
    expect((await ask("work", { text: "loud" })).values).toEqual(["LOUD"]);
    expect((await ask("tick")).values).toEqual([3]);
  });

  test("an answer that never comes is ACTOR_DEADLINE_EXCEEDED, by the deadline", async () => {
    const { ask } = await start({ isolation });
    expect((await ask("never", {}, 50)).error?.code).toBe("ACTOR_DEADLINE_EXCEEDED");
    expect((await ask("add", { n: 1 })).values).toEqual([{ total: 1 }]);
  });

  test("records what happened under its path, incarnation and intent", async () => {
    const { ask, events, host } = await start({ isolation });
    await ask("say", { text: "hear me" });
    await ask("later", { ms: 1 });
    await vi.waitFor(() =>
      expect(events.filter(({ kind }) => kind.case === "intentFinished")).toHaveLength(2),
    );
    for (const event of events) {
      expect(event).toMatchObject({ actor: "test/desk", incarnation: host.incarnation });
    }
    expect(events.map(({ kind, intent }) => `${kind.case} ${intent?.type}`)).toEqual([
      "intentStarted say",
      "actorLogged say",
      "replied say",
      "intentFinished say",
      "intentStarted later",
      "transitioned later",
      "replied later",
      "intentFinished later",
      "transitioned later",
    ]);
  });

  test.each([
    ["crash.action", "transition", "action"],
    ["crash.guard", "transition", /guard/],
    ["crash.assign", "transition", "assign"],
    ["crash.promise", "invoke", "promise"],
    ["crash.stray", "async", "stray"],
    ["crash.timer", "async", "timer"],
  ])(
    "%s ends it with the failure and the intent in hand; a restart goes on from the state before",
    async (type, origin, message) => {
      // The test runner takes these for its own; see async-failures.test.ts.
      if (isolation === "shared" && origin === "async") return;
      const first = await start({ isolation });
      await first.ask("add", { n: 5 });
      const crashed = first.ask(type);
      const failure = failureOf(await first.host.exited);
      expect(failure).toMatchObject({
        class: "crash",
        origin,
        message: typeof message === "string" ? message : expect.stringMatching(message),
        intent: { type },
        rootActor: "test/desk",
      });
      if (type !== "crash.guard") expect(failure?.stack).toContain("desk.ts");
      const { error } = await crashed;
      if (origin === "transition") expect(error?.code).toBe("ACTOR_CRASHED");
      expect((await first.ask("add", { n: 1 })).error?.code).toBe("ACTOR_NOT_RUNNING");
      const snapshot = first.host.lastGoodSnapshot();
      if (type === "crash.promise") {
        expect(snapshot).toMatchObject({ machine: { value: "working" } });
        return;
      }
      const second = await start({ isolation, snapshot });
      expect((await second.ask("add", { n: 1 })).values).toEqual([{ total: 6 }]);
    },
  );

  describe("what it never began when it failed is left to the next incarnation, and not refused as well", () => {
    test.each([
      ["all handed over at once", () => undefined],
      ["some of it handed over after its last word, which nobody had read yet", standStill],
    ])("%s", async (_, meanwhile) => {
      const left: string[][] = [];
      const succession: SuccessionPort = {
        died: () => ({ kind: "again" }),
        counted: () => "again",
        isPoison: () => false,
        refuses: () => undefined,
        leave: ({ again, waiting }) =>
          left.push([...again, ...waiting].map(({ intent }) => intent.type).toSorted()),
      };
      const actor = await start({ isolation, succession });
      const crashed = actor.ask("crash.action");
      meanwhile();
      const answers = [crashed, actor.ask("add", { n: 1 }), actor.ask("quiet", { text: "a" })];
      const answered: unknown[] = [];
      for (const answer of answers) void answer.then((given) => answered.push(given));
      expect(failureOf(await actor.host.exited)).toMatchObject({ intent: { type: "crash.action" } });
      await vi.waitFor(() => expect(left).toEqual([["add", "crash.action", "quiet"]]));
      expect(answered).toEqual([]);
    });
  });

  test("a timer that was armed fires after a restart", async () => {
    const moves = ({ events }: Housed) =>
      events.flatMap(({ kind }) => (kind.case === "transitioned" ? [[kind.value.from, kind.value.to]] : []));
    // Long enough to be ended before it fires; the second's own first look may come after it.
    const first = await start({ isolation });
    void first.ask("later", { ms: 1_500 });
    await vi.waitFor(() => expect(moves(first)).toEqual([["idle", "waiting"]]));
    await first.host.kill();
    await vi.waitFor(() =>
      expect(first.host.lastGoodSnapshot()).toMatchObject({ machine: { value: "waiting" } }),
    );
    const second = await start({ isolation, snapshot: first.host.lastGoodSnapshot() });
    await vi.waitFor(() => expect(moves(second)).toEqual([["waiting", "idle"]]), { timeout: 20_000 });
    expect(moves(first)).toEqual([["idle", "waiting"]]);
  });

  test("ends normally when its machine is done, and leaves nothing to go back to", async () => {
    const { ask, host } = await start({ isolation });
    await ask("finish");
    expect(await host.exited).toEqual({ kind: "normal" });
    expect(host.lastGoodSnapshot()).toBeUndefined();
  });

  test("stop lets the work in hand finish, then ends as a shutdown", async () => {
    const { ask, host } = await start({ isolation });
    const late = ask("later", { ms: 20 });
    const queued = ask("quiet", { text: "x" });
    expect(await host.stop(2_000)).toEqual({ kind: "shutdown" });
    expect((await late).values).toEqual(["late"]);
    expect((await queued).error).toBeUndefined();
  });

  test("stop kills what does not finish within the grace", async () => {
    const { ask, host } = await start({ isolation });
    const open = ask("never");
    await vi.waitFor(() => expect(host.stats().openRequests).toBe(1));
    expect(await host.stop(30)).toEqual({ kind: "killed" });
    expect((await open).error?.code).toBe("ACTOR_NOT_RUNNING");
  });

  test("a full mailbox refuses, by the manifest's bound", async () => {
    const { ask } = await start({ isolation, spec: { mailbox: { bound: 2, whenFull: "refuse" } } });
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask("work", { text: "x" }, 300)));
    expect(answers.some(({ error }) => error?.code === "ACTOR_MAILBOX_FULL")).toBe(true);
  });

  test("a behaviour that does not start says why", async () => {
    await expect(housed({ isolation, snapshot: { format: 1, junk: true } })).rejects.toMatchObject({
      code: "ACTOR_SNAPSHOT_INVALID",
    });
    await expect(
      housed({
        isolation,
        spec: {
          behaviour: { module: new URL("./behaviours/desk.ts", import.meta.url).pathname, export: "nobody" },
        },
      }),
    ).rejects.toMatchObject({ code: "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN" });
  });
});
