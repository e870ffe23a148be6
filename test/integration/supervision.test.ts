// Strategies, children at run time and parking, as a user meets them.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const parrot = "./parrot.ts#parrot";

describe("supervision", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const graph = manifest(
      "live",
      [
        {
          supervisor: "pair",
          strategy: "one_for_all",
          intensity: 5,
          children: [
            { actor: "left", behaviour: parrot },
            { actor: "right", behaviour: parrot },
          ],
        },
        {
          supervisor: "desks",
          strategy: "simple_one_for_one",
          intensity: 5,
          template: { behaviour: parrot, input: { prefix: "desk " } },
        },
        {
          supervisor: "shy",
          intensity: 0,
          children: [
            { actor: "victim", behaviour: parrot },
            { actor: "bystander", behaviour: parrot },
          ],
        },
      ],
      { intensity: 0 },
    );
    cell = await startCell({ up: [await workspace.write("graph.yaml", graph)] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const say = async (actor: string, text = "x", timeoutMs = 5_000) =>
    (await cell.client.request(actor, "say", { text }, { timeoutMs })).value;
  /** Tried again it kills a second time, and is poison then; unless the first death was one too many. */
  const crash = (actor: string, message: string, code = "ACTOR_INTENT_POISONOUS") =>
    expect(cell.client.request(actor, "crash", { message })).rejects.toMatchObject({ code });

  it("one_for_all brings the whole group back, each with its state, and says for whose failure", async () => {
    expect(await say("live/pair/left")).toEqual({ text: "x", count: 1 });
    expect(await say("live/pair/right")).toEqual({ text: "x", count: 1 });
    await crash("live/pair/left", "asked to");
    expect(await say("live/pair/right")).toEqual({ text: "x", count: 2 });
    expect(await say("live/pair/left")).toEqual({ text: "x", count: 2 });
    const right = await cell.kernel.actor("a", "live/pair/right");
    expect(right.history).toMatchObject([
      { class: "crash", cause: "with live/pair/left: crash: Error: asked to" },
      { class: "poison", cause: "with live/pair/left: poison: Error: asked to" },
    ]);
    const shown = await cell.cli("get", "actor", "live/pair/left");
    expect(shown.stdout).toMatch(/restarts\n +\d{4}-\d\d-\d\d \S+ +crash +in [\d.]+ ms +Error: asked to/);
  });

  it("children are started at run time, answer, crash, come back, and leave nothing when stopped", async () => {
    const started = await cell.cli("start", "live/desks/first", "--input", '{"prefix": "first "}');
    expect(started).toMatchObject({ code: 0, stdout: expect.stringContaining("live/desks/first  running") });
    await cell.cli("start", "live/desks/second", "--input", "null");
    expect(await say("live/desks/first")).toEqual({ text: "first x", count: 1 });
    expect(await say("live/desks/second")).toEqual({ text: "desk x", count: 1 });
    await crash("live/desks/first", "asked to");
    expect(await say("live/desks/first")).toEqual({ text: "first x", count: 2 });
    const again = await cell.cli("start", "live/desks/first", "--input", "null");
    expect(again.stderr).toContain("SUPERVISOR_ALREADY_RUNNING");
    expect((await cell.cli("stop", "live/desks/first")).code).toBe(0);
    await expect(say("live/desks/first", "x", 1_000)).rejects.toMatchObject({ code: "ACTOR_NOT_RUNNING" });
    expect((await cell.cli("get", "tree")).stdout).not.toContain("first ");
    const none = await cell.cli("start", "live/pair/third", "--input", "null");
    expect(none.stderr).toContain("SUPERVISOR_NOT_DYNAMIC");
  });

  it("an actor that a sender crashes at will is parked, and what stands around it answers on", async () => {
    expect(await say("live/shy/bystander")).toEqual({ text: "x", count: 1 });
    await crash("live/shy/victim", "asked to", "ACTOR_CRASHED");
    await vi.waitFor(async () =>
      expect(await cell.kernel.actor("a", "live/shy/victim")).toMatchObject({
        status: "parked",
        reason: "Error: asked to",
      }),
    );
    expect(await say("live/shy/bystander")).toEqual({ text: "x", count: 2 });
    expect(await cell.kernel.actor("a", "live")).toMatchObject({ status: "running" });
    expect((await cell.cli("logs", "--actor", "live/shy/victim")).stdout).toContain("parked");
    expect((await cell.cli("start", "live/shy/victim")).code).toBe(0);
    expect(await say("live/shy/victim")).toMatchObject({ text: "x" });
  });
});
