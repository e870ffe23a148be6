import { describe, expect, test } from "vitest";
import { assign, fromCallback, fromPromise, sendTo, setup } from "xstate";
import { z } from "zod";
import { startActorNow } from "../../src/actors/host.ts";
import {
  defineActor,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  reply,
  request,
} from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const any = { reply: z.unknown() };
const intents = {
  go: intent(any),
  ask: intent(any),
  crash: intent(any),
  look: intent(any),
  keep: intent(any),
};
type Events =
  | IntentEvents<typeof intents>
  | { type: "ticked" }
  | ReplyEvent<"answered">
  | RequestErrorEvent<"unanswered">;

let runs = 0;
const base = setup({
  types: { context: {} as { log: unknown[] }, events: {} as Events },
  actors: {
    work: fromPromise<number>(async () => ++runs),
    ticker: fromCallback(({ sendBack, receive }) => receive(() => sendBack({ type: "ticked" }))),
  },
  actions: {
    note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    boom: () => {
      throw new TypeError("boom");
    },
  },
});
const machine = base.createMachine({
  context: { log: [] },
  initial: "idle",
  on: {
    look: { actions: reply(({ context }) => context.log) },
    crash: { actions: ["note", "boom"] },
    keep: { actions: assign({ log: () => [new Map()] }) },
    ask: {
      actions: request({
        target: "a/b",
        intent: "x",
        onReply: "answered",
        onError: "unanswered",
        timeoutMs: 60_000,
      }),
    },
    answered: { actions: "note" },
    unanswered: { actions: assign({ log: ({ context, event }) => [...context.log, event.error.code] }) },
  },
  states: {
    idle: { on: { go: { target: "waiting", actions: "note" } } },
    waiting: { after: { 10000: "working" } },
    working: {
      invoke: [{ src: "work", id: "work", onDone: { target: "listening", actions: "note" } }],
    },
    listening: {
      invoke: { src: "ticker", id: "ticker" },
      on: {
        go: { actions: sendTo("ticker", { type: "tick" }) },
        ticked: { target: "idle", actions: "note" },
      },
    },
  },
});
const behaviour = defineActor({ machine, intents });

describe("a restart", () => {
  test("goes on from the state before the event that failed", async () => {
    await using actor = testActor(behaviour);
    await actor.deliver("go", {});
    await actor.deliver("crash", {});
    expect(actor.exit).toMatchObject({ kind: "failed" });
    await actor.restart();
    expect(actor.state).toBe("waiting");
    expect(await actor.request("look", {})).toEqual(["go"]);
  });

  test("arms timers for what is left of them, also when they ran out meanwhile", async () => {
    await using actor = testActor(behaviour);
    await actor.deliver("go", {});
    await actor.advance(4_000);
    await actor.deliver("crash", {});
    await actor.advance(5_000);
    await actor.restart();
    await actor.advance(999);
    expect(actor.state).toBe("waiting");
    await actor.advance(1);
    expect(actor.state).toBe("listening");

    await actor.restart();
    await actor.deliver("go", {});
    expect(actor.state).toBe("idle");
  });

  test("runs invoked promises again, and callbacks", async () => {
    await using actor = testActor(behaviour);
    runs = 0;
    await actor.deliver("go", {});
    await actor.advance(10_000);
    expect(runs).toBe(1);
    expect(actor.state).toBe("listening");
    await actor.restart();
    expect(runs).toBe(1);
    await actor.deliver("go", {});
    expect(await actor.request("look", {})).toEqual(["go", "xstate.done.actor.work", "ticked"]);
  });

  test("runs a promise again whose end the machine could not take", async () => {
    let attempts = 0;
    const stubborn = setup({
      types: { events: {} as IntentEvents<typeof intents> },
      actors: { work: fromPromise(async () => ++attempts) },
    }).createMachine({
      initial: "working",
      states: {
        working: {
          invoke: {
            src: "work",
            onDone: {
              target: "done",
              actions: ({ event }) => {
                if (event.output < 3) throw new Error(`attempt ${event.output}`);
              },
            },
          },
        },
        done: {},
      },
    });
    await using actor = testActor(defineActor({ machine: stubborn, intents }));
    await actor.settle();
    expect(actor.exit).toMatchObject({
      failure: { message: "attempt 1", event: expect.stringContaining("xstate.done.actor") },
    });
    await actor.restart();
    await actor.restart();
    expect({ attempts, state: actor.state }).toEqual({ attempts: 3, state: "done" });
  });

  test("runs a promise again that was rejected", async () => {
    let attempts = 0;
    const failing = setup({
      types: { events: {} as IntentEvents<typeof intents> },
      actors: {
        work: fromPromise(async () => {
          attempts += 1;
          if (attempts < 3) throw new Error("not yet");
        }),
      },
    }).createMachine({
      initial: "working",
      states: { working: { invoke: { src: "work", onDone: "done" } }, done: {} },
    });
    await using actor = testActor(defineActor({ machine: failing, intents }));
    await actor.settle();
    await actor.restart();
    await actor.restart();
    expect({ attempts, state: actor.state }).toEqual({ attempts: 3, state: "done" });
  });

  test("fires a timer again whose transition failed", async () => {
    let attempts = 0;
    const failing = setup({ types: { events: {} as IntentEvents<typeof intents> } }).createMachine({
      initial: "waiting",
      states: {
        waiting: {
          after: {
            100: {
              target: "done",
              actions: () => {
                attempts += 1;
                if (attempts === 1) throw new Error("once");
              },
            },
          },
        },
        done: {},
      },
    });
    await using actor = testActor(defineActor({ machine: failing, intents }));
    await actor.advance(100);
    expect(actor.exit).toMatchObject({ failure: { event: expect.stringContaining("xstate.after") } });
    await actor.restart();
    await actor.advance(0);
    expect(actor.state).toBe("done");
  });

  test("tells the machine of requests whose answers are lost", async () => {
    await using actor = testActor(behaviour);
    await actor.deliver("ask", {});
    await actor.restart();
    expect(await actor.request("look", {})).toEqual(["ACTOR_REQUEST_LOST"]);
  });

  test("can be repeated from a snapshot of a restored actor", async () => {
    await using actor = testActor(behaviour);
    await actor.deliver("go", {});
    await actor.advance(10_000);
    const first = actor.host.lastGoodSnapshot();
    await actor.restart();
    expect(actor.host.lastGoodSnapshot()).toEqual(first);
    await actor.restart();
    expect(actor.host.lastGoodSnapshot()).toEqual(first);
    await actor.deliver("go", {});
    expect(actor.state).toBe("idle");
  });

  test("is from the beginning when the state is not plain JSON, and the log says so", async () => {
    await using actor = testActor(behaviour);
    await actor.deliver("keep", {});
    await actor.host.kill();
    expect(actor.host.lastGoodSnapshot()).toBeUndefined();
    expect(actor.logs.at(-1)).toMatchObject({
      level: "warn",
      message: expect.stringMatching(/^ACTOR_SNAPSHOT_UNSUPPORTED.*context\.log\[0\] is a Map/),
    });
  });
});

describe("a snapshot that does not fit is refused with its code", () => {
  type Damage = (snapshot: Record<string, unknown>) => unknown;
  const rows: [what: string, damage: Damage][] = [
    ["an unknown state", (s) => ({ ...s, machine: { ...Object(s.machine), value: "gone" } })],
    [
      "an unknown child",
      (s) => ({
        ...s,
        machine: { ...Object(s.machine), children: { x: { src: "gone", snapshot: { status: "active" } } } },
      }),
    ],
    ["no machine", (s) => ({ ...s, machine: undefined })],
    ["another format", (s) => ({ ...s, format: 2 })],
    ["timers that are none", (s) => ({ ...s, timers: [{}] })],
    ["requests that are none", (s) => ({ ...s, requests: [1] })],
    ["text", () => "snapshot"],
  ];
  test.for(rows)("%s", async ([, damage]) => {
    await using actor = testActor(behaviour);
    await actor.deliver("go", {});
    const snapshot = damage({ ...actor.host.lastGoodSnapshot() });
    expect(() => startActorNow({ ...startOptions(), snapshot })).toThrow(
      expect.objectContaining({ code: "ACTOR_SNAPSHOT_INVALID" }),
    );
  });
});

function startOptions() {
  return {
    behaviour,
    incarnation: { term: 1, activation: 1 },
    spec: {
      kind: "actor",
      path: "test/actor",
      behaviour: { module: "", export: "" },
      input: null,
      restart: "permanent",
      shutdownMs: 1000,
      isolation: "shared",
      durable: false,
      mailbox: { bound: 10, whenFull: "refuse" },
      intents: {},
      grants: [],
      placement: {},
    } as const,
    ports: {
      send: () => {},
      record: () => {},
      random: Math.random,
      clock: { unixMs: Date.now, monotonicMs: Date.now, setTimer: () => () => {} },
    },
  };
}
