import { describe, expect, test } from "vitest";
import { assign, createMachine, fromPromise, setup } from "xstate";
import { z } from "zod";
import {
  type LiveState,
  strandedStates,
  upgradeOf,
  upgradeProblem,
} from "../../../src/actors/durable/upgrade.ts";
import { defineActor, type IntentEvents, intent, type Migrate, reply } from "../../../src/index.ts";
import { testActor } from "../../../src/testkit.ts";

const intents = { open: intent({}), look: intent({ reply: z.unknown() }) };
const base = setup({
  types: { context: {} as { n: number; done?: string }, events: {} as IntentEvents<typeof intents> },
  actors: { work: fromPromise(async () => "worked"), sleeper: createMachine({}) },
});
const old = base.createMachine({
  context: { n: 1 },
  initial: "draft",
  on: { look: { actions: reply(({ context }) => context) } },
  states: {
    draft: { on: { open: { target: "open", actions: assign({ n: 2 }) } } },
    open: { after: { 1000: "draft" }, invoke: { src: "sleeper", id: "sleeper" } },
  },
});
/** "open" is called "active", has the same timer under another name, one more, and a promise. */
const renamed = base.createMachine({
  context: { n: 0 },
  initial: "draft",
  on: { look: { actions: reply(({ context }) => context) } },
  states: {
    draft: { on: { open: "active" } },
    active: {
      after: { 2000: "late" },
      invoke: [
        { src: "sleeper", id: "sleeper" },
        { src: "work", id: "work", onDone: { actions: assign({ done: ({ event }) => event.output }) } },
      ],
    },
    late: {},
  },
});
const migrate: Migrate = ({ state, context }) =>
  state === "open" ? { state: "active", context: { ...Object(context), migrated: true } } : undefined;
const start = () =>
  testActor(defineActor({ machine: old, intents, version: 1 }), { durable: true, codeHash: "a" });

describe("new code for a durable actor", () => {
  test("of the same version goes on", async () => {
    await using actor = start();
    await actor.deliver("open", {});
    await actor.restart({ behaviour: defineActor({ machine: old, intents, version: 1 }), codeHash: "b" });
    expect(actor.state).toBe("open");
    expect(actor.committed?.codeHash).toBe("b");
    await actor.advance(1_000);
    expect(actor.state).toBe("draft");
  });

  test("of another version migrates state and context; children and timers follow the new state", async () => {
    await using actor = start();
    await actor.deliver("open", {});
    await actor.advance(400);
    await actor.restart({
      behaviour: defineActor({ machine: renamed, intents, version: 2, migrate }),
      codeHash: "b",
    });
    expect(actor.state).toBe("active");
    expect(await actor.request("look", {})).toEqual({ n: 2, migrated: true, done: "worked" });
    expect(actor.committed).toMatchObject({ codeHash: "b", host: { version: 2 } });
    await actor.advance(1_999);
    expect(actor.state).toBe("active");
    await actor.advance(1);
    expect(actor.state).toBe("late");
  });

  test.each([
    ["that says nothing of the old state", undefined, "ACTOR_MIGRATION_MISSING"],
    ["that gives the old state up", (() => undefined) as Migrate, "ACTOR_MIGRATION_FAILED"],
    [
      "that names a state it does not have",
      (() => ({ state: "gone", context: {} })) as Migrate,
      "ACTOR_MIGRATION_FAILED",
    ],
  ] as const)("%s does not start, and what was kept stays", async (_, refused, code) => {
    await using actor = start();
    await actor.deliver("open", {});
    const before = actor.committed;
    const behaviour = defineActor({
      machine: renamed,
      intents,
      ...(refused === undefined ? {} : { migrate: refused }),
    });
    await expect(actor.restart({ behaviour, codeHash: "b" })).rejects.toMatchObject({ code });
    expect(actor.committed).toEqual(before);
    await actor.restart({ behaviour: defineActor({ machine: old, intents, version: 1 }), codeHash: "a" });
    expect(actor.state).toBe("open");
  });
});

describe("a plan", () => {
  const next = {
    codeHash: "b",
    version: 2,
    migrates: false,
    states: ["draft", "active", "active.late", "p", "p.x", "p.y", "p.y.z"],
  };
  const live = (state: string, version: LiveState["version"]): LiveState => ({
    path: `desk/${state}`,
    codeHash: "a",
    state,
    version,
  });

  test.each([
    ["the same code", { codeHash: "b", version: undefined }, next, "same"],
    ["the same version", { codeHash: "a", version: 2 }, next, "compatible"],
    [
      "no version on either side",
      { codeHash: "a", version: undefined },
      { ...next, version: undefined },
      "missing",
    ],
    [
      "another version with a migration",
      { codeHash: "a", version: 1 },
      { ...next, migrates: true },
      "migrate",
    ],
    ["another version without one", { codeHash: "a", version: 1 }, next, "missing"],
  ] as const)("%s", (_, was, now, upgrade) => {
    expect(upgradeOf(was, now)).toBe(upgrade);
  });

  test("names the live states that new code would strand", () => {
    expect(
      strandedStates(["draft", "active.late", "gone", "p.{x,y.z}", "p.{x,y.q}", ""], next.states),
    ).toEqual(["gone", "p.{x,y.q}"]);
    expect(upgradeProblem([live("draft", 2), live("active", 2)], next)).toBeUndefined();
    expect(upgradeProblem([live("draft", 2), live("gone", 2), live("draft", 1)], next)).toMatchObject({
      code: "ACTOR_MIGRATION_MISSING",
      message: "the new code would strand live state: desk/draft (draft), desk/gone (gone)",
    });
    expect(upgradeProblem([live("gone", 1)], { ...next, migrates: true })).toBeUndefined();
  });
});
