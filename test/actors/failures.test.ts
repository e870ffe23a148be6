import { describe, expect, test } from "vitest";
import {
  type AnyEventObject,
  type AnyStateMachine,
  assign,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from "xstate";
import { z } from "zod";
import { defineActor, intent, reply } from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const intents = { go: intent({ reply: z.unknown() }), ping: intent({ reply: z.unknown() }) };
const boom = (): never => {
  throw new TypeError("boom");
};
const failing = {
  subscribe: (observer: { error?: (error: unknown) => void }) => {
    observer.error?.(new TypeError("boom"));
    return { unsubscribe: () => {} };
  },
};
const loose = setup({
  types: { context: {} as Record<string, unknown>, events: {} as AnyEventObject },
  actors: {
    rejects: fromPromise(async () => boom()),
    throwsAtOnce: fromPromise(() => boom()),
    callback: fromCallback(() => boom()),
    receiver: fromCallback(({ receive }) => receive(() => boom())),
    observable: fromObservable(() => failing as never),
    child: createMachine({ entry: () => boom() }),
    watching: createMachine({ invoke: { src: fromObservable(() => failing as never) } }),
    childLater: createMachine({ on: { "*": { actions: () => boom() } } }),
  },
  delays: { d: () => boom() },
});
type Config = Parameters<typeof loose.createMachine>[0];
const ping = { actions: reply(() => "pong") };
const machineOf = (config: Config): AnyStateMachine => loose.createMachine({ context: {}, ...config });
const behaviourOf = (config: Config) => defineActor({ machine: machineOf(config), intents });
const invoking = (
  src: "rejects" | "throwsAtOnce" | "callback" | "observable" | "child" | "watching",
): Config => ({
  initial: "idle",
  states: { idle: { on: { go: "working", ping } }, working: { invoke: { src } } },
});

describe("whatever throws while an intent is in hand ends the actor, and its caller hears of it", () => {
  const sent = sendTo("it", { type: "x" });
  const rows: [where: string, config: Config, origin: string][] = [
    ["an action", { on: { go: { actions: () => boom() } } }, "transition"],
    [
      "a named action's parameters",
      { on: { go: { actions: { type: "x", params: () => boom() } } } } as unknown as Config,
      "transition",
    ],
    [
      "an entry action",
      { initial: "a", states: { a: { on: { go: "b" } }, b: { entry: () => boom() } } },
      "transition",
    ],
    [
      "an exit action",
      { initial: "a", states: { a: { exit: () => boom(), on: { go: "b" } }, b: {} } },
      "transition",
    ],
    ["an assign", { on: { go: { actions: assign(() => boom()) } } }, "transition"],
    ["a guard", { on: { go: { guard: () => boom(), actions: [] } } }, "transition"],
    ["the function of a reply", { on: { go: { actions: reply(() => boom()) } } }, "transition"],
    [
      "an eventless guard",
      {
        initial: "a",
        states: { a: { on: { go: "b" } }, b: { always: { guard: () => boom(), target: "a" } } },
      },
      "transition",
    ],
    ["a delay", { initial: "a", states: { a: { on: { go: "b" } }, b: { after: { d: "a" } } } }, "transition"],
    [
      "the output of a final state",
      { initial: "a", states: { a: { on: { go: "b" } }, b: { type: "final" } }, output: () => boom() },
      "transition",
    ],
    [
      "the input of an invoked actor",
      {
        initial: "a",
        states: { a: { on: { go: "b" } }, b: { invoke: { src: "rejects", input: () => boom() } } },
      },
      "transition",
    ],
    [
      "an endless cycle",
      { initial: "a", states: { a: { on: { go: "b" } }, b: { always: "c" }, c: { always: "b" } } },
      "transition",
    ],
    ["a promise that rejects", invoking("rejects"), "invoke"],
    ["a promise's function", invoking("throwsAtOnce"), "invoke"],
    ["a callback", invoking("callback"), "invoke"],
    ["an observable", invoking("observable"), "invoke"],
    ["a child machine", invoking("child"), "invoke"],
    [
      "a callback's receiver",
      { invoke: { src: "receiver", id: "it" }, on: { go: { actions: sent } } },
      "invoke",
    ],
    [
      "a child machine, later",
      { invoke: { src: "childLater", id: "it" }, on: { go: { actions: sent } } },
      "invoke",
    ],
    ["a spawned child", { on: { go: { actions: spawnChild("rejects", { id: "it" }) } } }, "invoke"],
    [
      "a spawned child's observable",
      { on: { go: { actions: spawnChild("observable", { id: "it" }) } } },
      "invoke",
    ],
    ["an observable that a child machine invokes", invoking("watching"), "invoke"],
    ["sendTo an unknown child", { on: { go: { actions: sendTo("nobody", { type: "x" }) } } }, "transition"],
    ["sendParent", { on: { go: { actions: sendParent({ type: "x" }) } } }, "transition"],
  ];
  test.for(rows)("%s", async ([, config, origin]) => {
    await using actor = testActor(behaviourOf(config));
    const asked = await actor.deliver("go", {});
    expect(asked.error).toMatchObject({ code: "ACTOR_CRASHED" });
    expect(actor.exit).toMatchObject({
      kind: "failed",
      failure: { class: "crash", origin, rootActor: "test/actor", intent: { id: asked.id, type: "go" } },
    });
    expect((await actor.deliver("ping", {})).error).toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  });
});

describe("what throws at the start fails the start", () => {
  const rows: [where: string, config: Config, message: RegExp][] = [
    ["the context factory", { context: () => boom() }, /boom/],
    ["an entry action", { entry: () => boom() }, /boom/],
    [
      "an eventless guard",
      { initial: "a", states: { a: { always: { guard: () => boom(), target: "b" } }, b: {} } },
      /boom/,
    ],
    [
      "an endless cycle",
      { initial: "b", states: { b: { always: "c" }, c: { always: "b" } } },
      /Infinite loop/,
    ],
    [
      "spawn in the context factory",
      { context: ({ spawn }) => ({ child: spawn("rejects") }) },
      /ACTOR_SPAWN_IN_ASSIGN/,
    ],
    [
      "an actor that is not defined",
      { invoke: { src: "absent" } } as unknown as Config,
      /ACTOR_CHILD_UNKNOWN/,
    ],
  ];
  test.for(rows)("%s", ([, config, message]) => {
    const start = () =>
      testActor(defineActor({ machine: loose.createMachine({ context: {}, ...config }), intents }));
    expect(start).toThrow(message);
    expect(start).toThrow(
      expect.objectContaining({
        code: "ACTOR_START_FAILED",
        details: { failure: expect.objectContaining({ origin: "start" }) },
      }),
    );
  });

  test("a promise invoked at the start that rejects ends the actor after its start", async () => {
    await using actor = testActor(behaviourOf({ invoke: { src: "rejects" } }));
    await actor.settle();
    expect(actor.exit).toMatchObject({ kind: "failed", failure: { origin: "invoke", message: "boom" } });
  });
});

test("spawn() in assign is refused with its code, not lost in silence", async () => {
  await using actor = testActor(
    behaviourOf({ on: { go: { actions: assign(({ spawn }) => ({ child: spawn("rejects") })) } } }),
  );
  expect((await actor.deliver("go", {})).error).toMatchObject({ code: "ACTOR_CRASHED" });
  expect(actor.exit).toMatchObject({ failure: { name: "ACTOR_SPAWN_IN_ASSIGN" } });
});

test("an error that the machine handles is no crash", async () => {
  const config: Config = {
    initial: "idle",
    states: {
      idle: { on: { go: "working", ping } },
      working: { invoke: { src: "rejects", onError: { target: "idle", actions: reply(() => "sorry") } } },
    },
  };
  await using actor = testActor(behaviourOf(config));
  expect(await actor.request("go", {})).toBe("sorry");
  expect(await actor.request("ping", {})).toBe("pong");
});

test("an action that throws sends nothing of its transition, and leaves the state before it", async () => {
  const config: Config = {
    context: { count: 0 },
    on: {
      ping: { actions: reply(({ context }) => context.count) },
      go: { actions: [assign({ count: 7 }), reply(() => "too early"), () => boom()] },
    },
  };
  await using actor = testActor(behaviourOf(config));
  const asked = await actor.deliver("go", {});
  expect(asked).toMatchObject({ replies: [], error: { code: "ACTOR_CRASHED" } });
  await actor.restart();
  expect(await actor.request("ping", {})).toBe(0);
});

test("everything that waits is answered when the actor fails: begun, queued and parked", async () => {
  const config: Config = { on: { ping: {}, go: { actions: () => boom() } } };
  await using actor = testActor(behaviourOf(config));
  const parked = await actor.deliver("ping", {});
  const [crashing, queued] = [actor.deliver("go", {}), actor.deliver("ping", {})];
  expect((await crashing).error).toMatchObject({ code: "ACTOR_CRASHED" });
  expect((await queued).error).toMatchObject({ code: "ACTOR_NOT_RUNNING", retryable: true });
  expect(parked.error).toMatchObject({ code: "ACTOR_CRASHED" });
});

test("any value can be thrown", async () => {
  const nasty = { toString: () => boom(), toJSON: () => boom() };
  for (const thrown of [undefined, null, "text", 5n, Symbol("s"), nasty, { a: 1 }, Object.create(null)]) {
    const config: Config = {
      on: {
        go: {
          actions: () => {
            throw thrown;
          },
        },
      },
    };
    await using actor = testActor(behaviourOf(config));
    expect((await actor.deliver("go", {})).error).toMatchObject({ code: "ACTOR_CRASHED" });
    expect(actor.exit).toMatchObject({ kind: "failed", failure: { name: "NonError" } });
  }
});

test("an error's text is bounded", async () => {
  const config: Config = {
    on: {
      go: {
        actions: () => {
          throw new Error("x".repeat(1_000_000));
        },
      },
    },
  };
  await using actor = testActor(behaviourOf(config));
  await actor.deliver("go", {});
  expect(actor.exit?.kind === "failed" && actor.exit.failure.message.length).toBeLessThanOrEqual(4096);
});

test("a machine that reaches its final state ends normally, after its reply", async () => {
  const config: Config = {
    initial: "a",
    states: { a: { on: { go: { target: "b", actions: reply(() => "bye") } } }, b: { type: "final" } },
  };
  await using actor = testActor(behaviourOf(config));
  expect(await actor.request("go", {})).toBe("bye");
  expect(actor.exit).toEqual({ kind: "normal" });
  expect(actor.host.lastGoodSnapshot()).toBeUndefined();
});
