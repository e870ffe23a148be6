import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Event, EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("what fails comes back", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "first", behaviour: "./parrot.ts#parrot" },
        { actor: "second", behaviour: "./parrot.ts#parrot" },
        { actor: "worker", behaviour: "./worker.ts#worker" },
        {
          supervisor: "fragile",
          intensity: 1,
          period: "60s",
          children: [{ actor: "third", behaviour: "./parrot.ts#parrot" }],
        },
      ]),
    );
    cell = await startCell({ up: [file] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const say = (actor: string, text = "x", timeoutMs = 20_000) =>
    cell.client.request(actor, "say", { text }, { timeoutMs });
  const crash = (actor: string, message: string) => cell.client.request(actor, "crash", { message });
  const answers = (actor: string) =>
    vi.waitFor(async () => (await say(actor, "x", 20_000)).value, { timeout: 15_000, interval: 20 });
  const events = async (filter: Parameters<LiveCell["kernel"]["events"]>[1]): Promise<readonly Event[]> =>
    (await cell.kernel.events("a", filter)).map((bytes) => fromBinary(EventSchema, bytes));

  describe("an actor that throws", () => {
    it("answers ACTOR_INTENT_POISONOUS at the second try, and goes on from the last good snapshot", async () => {
      const before = await cell.kernel.actor("a", "live/first");
      expect((await say("live/first")).value).toEqual({ text: "x", count: 1 });
      expect((await say("live/first")).value).toEqual({ text: "x", count: 2 });
      await expect(crash("live/first", "asked to")).rejects.toMatchObject({
        code: "ACTOR_INTENT_POISONOUS",
        retryable: false,
      });
      expect(await answers("live/first")).toEqual({ text: "x", count: 3 });
      const after = await cell.kernel.actor("a", "live/first");
      expect(after).toMatchObject({ status: "running", restarts: 2 });
      expect(after.incarnation?.activation).toBe((before.incarnation?.activation ?? 0) + 2);
      expect(after.history).toHaveLength(2);
      expect(after.history[0]).toMatchObject({
        cause: expect.stringMatching(/^(?:crash|poison): Error: asked to$/),
      });
    });

    it("hands what waited behind the crash on: every sender is answered by the next incarnation", async () => {
      const waiting = Array.from({ length: 20 }, (_, at) => say("live/first", String(at)));
      const answers = await Promise.allSettled([crash("live/first", "again"), ...waiting]);
      expect(answers[0]).toMatchObject({ reason: { code: "ACTOR_INTENT_POISONOUS" } });
      const rest = answers.slice(1);
      expect(rest.filter(({ status }) => status !== "fulfilled")).toEqual([]);
    });

    it("leaves its siblings untouched", async () => {
      const sibling = await cell.kernel.actor("a", "live/second");
      await expect(crash("live/first", "a third time")).rejects.toMatchObject({
        code: "ACTOR_INTENT_POISONOUS",
      });
      await answers("live/first");
      const after = await cell.kernel.actor("a", "live/second");
      expect(after).toMatchObject({ restarts: 0, startedAtUnixMs: sibling.startedAtUnixMs });
    });

    it("is seen in `get tree` and in `logs`, with what it threw", async () => {
      const tree = await cell.cli("get", "tree");
      expect(tree.stdout).toMatch(/first +running +6 restarts/);
      expect(tree.stdout).toMatch(/second +running +0 restarts/);
      const logs = await cell.cli(
        "logs",
        "--actor",
        "live/first",
        "--kind",
        "actorCrashed",
        "--kind",
        "actorRestarted",
      );
      expect(logs.stdout).toContain("asked to");
      expect(logs.stdout).toMatch(/restarted/i);
      const kinds = (await events({ actor: "live/first", kinds: ["actorCrashed", "actorRestarted"] })).map(
        ({ kind }) => kind.case,
      );
      expect(kinds).toEqual(Array(6).fill(["actorCrashed", "actorRestarted"]).flat());
    });
  });

  it("a supervisor whose children crash too often gives up, and its own supervisor starts it again", async () => {
    await expect(crash("live/fragile/third", "one")).rejects.toMatchObject({
      code: "ACTOR_INTENT_POISONOUS",
    });
    await answers("live/fragile/third");
    await expect(crash("live/fragile/third", "two")).rejects.toMatchObject({
      code: "ACTOR_INTENT_POISONOUS",
    });
    // Its own supervisor starts it again, from the beginning.
    expect(await answers("live/fragile/third")).toMatchObject({ text: "x" });
    const [gaveUp] = await events({ kinds: ["actorGaveUp", "escalated"], limit: 10 });
    expect(gaveUp?.actor).toMatch(/^live\/fragile/);
    expect(await cell.kernel.actor("a", "live/fragile")).toMatchObject({ status: "running", restarts: 1 });
  });

  it("a core killed with -9 makes the node refuse work until it is back, which a client only waits for", async () => {
    const before = await cell.pid("core");
    await cell.kill("core");
    await vi.waitFor(async () => expect(await cell.pid("core")).not.toBe(before));
    expect((await say("live/second")).value).toMatchObject({ text: "x" });
    expect(await cell.kernel.status("a")).toMatchObject({
      acceptingIntents: true,
      core: { state: "serving" },
    });
    const states = (await events({ kinds: ["linkChanged"], limit: 20 })).flatMap(({ kind }) =>
      kind.case === "linkChanged" && kind.value.link === "core" ? [kind.value.state] : [],
    );
    expect(states.slice(-2)).toEqual(["down", "serving"]);
  });

  it("a broker killed with -9 comes back, and the node and its clients find it again", async () => {
    const before = await cell.pid("broker");
    const second = await cell.kernel.actor("a", "live/second");
    await cell.kill("broker");
    expect(await answers("live/second")).toMatchObject({ text: "x" });
    expect(await cell.pid("broker")).not.toBe(before);
    const after = await cell.kernel.actor("a", "live/second");
    expect(after).toMatchObject({ restarts: 0, startedAtUnixMs: second.startedAtUnixMs });
  });

  it("a node killed with -9 is started again by the cradle, with all that it ran", async () => {
    const before = await cell.pid("node");
    const pending = cell.client.request("live/worker", "work", { ms: 20_000 }, { timeoutMs: 10_000 });
    pending.catch(() => undefined);
    await cell.kill("node");
    expect(await answers("live/first")).toEqual({ text: "x", count: 1 });
    expect(await cell.pid("node")).not.toBe(before);
    const paths = ["live/first", "live/second", "live/worker", "live/fragile/third"];
    for (const path of paths)
      expect(await cell.kernel.actor("a", path), path).toMatchObject({ status: "running" });
    expect(cell.output()).toContain('"up":true');
  });
});
