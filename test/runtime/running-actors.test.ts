// Intents that arrive while their actor is being restarted, with real hosts below a real
// tree in virtual time.
import { expect, test } from "vitest";
import { assign, setup } from "xstate";
import { z } from "zod";
import { startActor } from "../../src/actors/host.ts";
import type { OutgoingReply } from "../../src/actors/intent.ts";
import { testDelivery } from "../../src/actors/testkit/test-delivery.ts";
import { defineActor, intent, reply } from "../../src/index.ts";
import type { ActorSpec, SupervisorSpec } from "../../src/manifest/graph.ts";
import { RunningActors } from "../../src/runtime/running-actors.ts";
import type { TreePorts } from "../../src/supervisor/ports.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import type { EventInput } from "../../src/telemetry/event.ts";
import { actor, settled, supervisor, VirtualClock } from "../supervisor/virtual.ts";

const intents = { put: intent({ reply: z.unknown() }), crash: intent({ reply: z.unknown() }) };
const machine = setup({
  types: { context: {} as { seen: number }, events: {} as { type: "put" } | { type: "crash" } },
}).createMachine({
  context: { seen: 0 },
  on: {
    put: {
      actions: [assign({ seen: ({ context }) => context.seen + 1 }), reply(({ context }) => context.seen)],
    },
    crash: {
      actions: () => {
        throw new Error("boom");
      },
    },
  },
});
const behaviour = defineActor({ machine, intents });

async function cell(flags: Partial<SupervisorSpec>, change: Partial<ActorSpec> = {}) {
  const clock = new VirtualClock();
  const events: EventInput[] = [];
  const record = (event: EventInput) => void events.push(event);
  const actors = new RunningActors({ record, clock });
  const ports: TreePorts = {
    clock,
    record,
    random: () => 0.999,
    down: (path) => actors.down(path),
    startChild: async (spec, incarnation, snapshot) => {
      const send = () => {};
      const random = () => 0.5;
      const ports = { send, record, clock, random };
      const host = await startActor({ spec, behaviour, incarnation, snapshot, ports });
      actors.add(spec, host);
      return host;
    },
  };
  const roots = [supervisor("g", [actor("g/x", change), actor("g/y")], flags)];
  const tree = await startTree({ roots, ports });
  let order = 0;
  const answers: unknown[] = [];
  const send = (type: "put" | "crash", timeoutMs = 5_000) => {
    order += 1;
    const number = order;
    const respond = (answer: OutgoingReply) =>
      void answers.push([number, answer.kind === "error" ? answer.error.code : answer.value]);
    const nowUnixMs = clock.unixMs();
    const given = testDelivery({ type, payload: {}, target: "g/x", nowUnixMs, order, timeoutMs, respond });
    const taken = actors.deliver(given);
    if (!taken.ok) answers.push([number, taken.error.code]);
  };
  const idle = async () => {
    for (let turn = 0; turn < 10; turn++) await settled();
  };
  return { clock, tree, actors, events, answers, send, idle };
}

test("what arrives while the actor restarts waits for the next incarnation, in order, with its state", async () => {
  const { clock, tree, actors, answers, send, idle } = await cell({
    intensity: 3,
    backoff: { initialMs: 100, maxMs: 100, factor: 1 },
  });
  send("put");
  await idle();
  send("crash");
  await idle();
  expect(actors.get("g/x")).toBeUndefined();
  for (let more = 0; more < 5; more++) send("put");
  await clock.advance(101);
  await idle();
  expect(answers).toEqual([
    [1, 1],
    [2, "ACTOR_CRASHED"],
    [3, 2],
    [4, 3],
    [5, 4],
    [6, 5],
    [7, 6],
  ]);
  await tree.stop(0);
});

test("the place to wait in is as large as the mailbox, and deadlines hold in it", async () => {
  const { clock, tree, answers, send, idle, events } = await cell(
    { intensity: 3, backoff: { initialMs: 1_000, maxMs: 1_000, factor: 1 } },
    { mailbox: { bound: 2, whenFull: "refuse" } },
  );
  send("crash");
  await idle();
  send("put", 50);
  send("put", 5_000);
  send("put", 5_000);
  expect(answers.at(-1)).toEqual([4, "ACTOR_MAILBOX_FULL"]);
  await clock.advance(100);
  expect(answers.at(-1)).toEqual([2, "ACTOR_DEADLINE_EXCEEDED"]);
  expect(events.at(-1)).toMatchObject({ actor: "g/x", kind: { case: "intentRefused" } });
  await clock.advance(1_000);
  await idle();
  expect(answers.at(-1)).toEqual([3, 1]);
  await tree.stop(0);
});

const ends: readonly [string, Partial<SupervisorSpec>, Partial<ActorSpec>][] = [
  ["is parked, for its graph would have given up over it", { intensity: 0 }, {}],
  ["is temporary", { intensity: 3 }, { restart: "temporary" }],
];
test.each(ends)("when the actor %s, who waits hears so at once", async (_, flags, change) => {
  const { tree, answers, send, idle } = await cell(flags, change);
  send("crash");
  send("put");
  await idle();
  expect(answers).toEqual([
    [1, "ACTOR_CRASHED"],
    [2, "ACTOR_NOT_RUNNING"],
  ]);
  send("put");
  expect(answers.at(-1)).toEqual([3, "ACTOR_NOT_RUNNING"]);
  await tree.stop(0);
});

test("what was stopped by hand keeps nobody waiting", async () => {
  const { tree, answers, send } = await cell({ intensity: 3 });
  await tree.stopChild("g/x");
  send("put");
  expect(answers).toEqual([[1, "ACTOR_NOT_RUNNING"]]);
  await tree.startChild("g/x");
  await tree.stop(0);
});

test("a restart by hand is not noticed by who sends meanwhile", async () => {
  const { tree, answers, send, idle } = await cell({ intensity: 3 });
  send("put");
  const restarted = tree.restartChild("g/x");
  send("put");
  await restarted;
  await idle();
  expect(answers).toEqual([
    [1, 1],
    [2, 2],
  ]);
  await tree.stop(0);
});
