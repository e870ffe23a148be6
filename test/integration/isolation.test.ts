import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Event, EventSchema, FailureClass } from "../../src/gen/cell0/v1/events_pb.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("actors that do not share the node's event loop", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "sibling", behaviour: "./parrot.ts#parrot" },
        {
          actor: "threaded",
          behaviour: "./parrot.ts#parrot",
          isolation: "worker",
          input: { prefix: "w:" },
          limits: { memory: "64MiB" },
        },
        {
          actor: "relay",
          behaviour: "./relay.ts#relay",
          isolation: "worker",
          grants: [{ intents: ["say"], targets: ["live/threaded"] }],
        },
        { actor: "apart", behaviour: "./loose.ts#loose", isolation: "process", limits: { memory: "64MiB" } },
        { actor: "stuck", behaviour: "./loose.ts#loose", isolation: "worker", progress: "3s" },
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
  const answers = (actor: string) =>
    vi.waitFor(async () => (await say(actor, "x", 20_000)).value, { timeout: 15_000, interval: 20 });
  const events = async (filter: Parameters<LiveCell["kernel"]["events"]>[1]): Promise<readonly Event[]> =>
    (await cell.kernel.events("a", filter)).map((bytes) => fromBinary(EventSchema, bytes));

  it("a worker answers as any actor does, and `get actor` says what holds it", async () => {
    expect((await say("live/threaded", "hello")).value).toEqual({ text: "w:hello", count: 1 });
    expect((await cell.kernel.actor("a", "live/threaded")).bound).toMatch(/^worker: .*heap limit 64 MiB/);
    const shown = await cell.cli("get", "actor", "live/threaded");
    expect(shown.stdout).toMatch(/isolation +worker: its own thread/);
  });

  it("a worker's intents leave in its name, under its own grants", async () => {
    const relayed = await cell.client.request("live/relay", "relay", { target: "live/threaded", text: "on" });
    expect(relayed.value).toMatchObject({ heard: "w:on" });
    await expect(
      cell.client.request("live/relay", "relay", { target: "live/sibling", text: "on" }),
    ).rejects.toMatchObject({ code: "ACTOR_REFUSED", message: "AUTHORITY_INTENT_FORBIDDEN" });
  });

  it("a crash in a worker restarts it from its last good snapshot", async () => {
    const before = Number(Reflect.get(Object((await say("live/threaded")).value), "count"));
    await expect(
      cell.client.request("live/threaded", "crash", { message: "asked to" }),
    ).rejects.toMatchObject({ code: "ACTOR_INTENT_POISONOUS" });
    expect(await answers("live/threaded")).toMatchObject({ count: before + 1 });
  });

  it("a worker that spins is ended and comes back, alone: its siblings never notice", async () => {
    const sibling = await cell.kernel.actor("a", "live/sibling");
    expect((await say("live/stuck")).value).toMatchObject({ count: 1 });
    const spinning = cell.client.request("live/stuck", "spin", {}, { timeoutMs: 30_000 });
    const asked = performance.now();
    await say("live/sibling");
    expect(performance.now() - asked).toBeLessThan(8_000);
    await expect(spinning).rejects.toMatchObject({ code: "ACTOR_INTENT_POISONOUS" });
    expect(await answers("live/stuck")).toMatchObject({ count: 2 });
    expect((await cell.kernel.actor("a", "live/sibling")).startedAtUnixMs).toBe(sibling.startedAtUnixMs);
    const [crashed] = await events({ actor: "live/stuck", kinds: ["actorCrashed"] });
    // Whichever watch looks first on a busy machine.
    const name = expect.stringMatching(/^ACTOR_(STUCK|NO_PROGRESS)$/);
    expect(crashed?.kind).toMatchObject({ value: { name, failure: FailureClass.HANG } });
    expect(crashed?.intent?.intent).toBe("spin");
  });

  it("a process counts on after it ended itself, and after its heap and its buffers ran out", async () => {
    expect((await say("live/apart")).value).toMatchObject({ count: 1 });
    const bound = (await cell.kernel.actor("a", "live/apart")).bound ?? "";
    expect(bound).toMatch(/^process: permission model/);
    expect(bound).toContain(process.geteuid?.() === 0 ? "own user" : "weaker: the node's own user");
    for (const fault of ["exit", "hoard", "buffers"]) {
      const asked = cell.client.request("live/apart", fault, {}, { timeoutMs: 30_000 });
      await expect(asked, fault).rejects.toMatchObject({ code: "ACTOR_INTENT_POISONOUS" });
      await answers("live/apart");
    }
    const crashes = await events({ actor: "live/apart", kinds: ["actorCrashed"] });
    const told = crashes.map(({ kind, intent }) => {
      return [kind.case === "actorCrashed" ? kind.value.failure : undefined, intent?.intent];
    });
    // Each is tried again, and is poison the second time.
    expect(told).toEqual([
      [FailureClass.CRASH, "exit"],
      [FailureClass.POISON, "exit"],
      [FailureClass.EXHAUSTION, "hoard"],
      [FailureClass.POISON, "hoard"],
      [FailureClass.EXHAUSTION, "buffers"],
      [FailureClass.POISON, "buffers"],
    ]);
  });
});
