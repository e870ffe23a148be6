// Who may send to an actor of the shared loop may end the node's process by it. The actor
// is parked for it, and the cell stays: the cradle never gives up over one sender.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const WAIT = { timeout: 60_000, interval: 50 };
/** What the matrix allows one actor. */
const DEATHS = 5;
const CRADLE_ALLOWS = 10;

describe("a sender whose intents, each another one, end the node's process", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let directory: string;
  const start = (up: readonly string[]) => startCell({ directory, up, spare: true });
  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await mkdtemp(join(tmpdir(), "cell0 parked-"));
    const deadly = "./deadly.ts#deadly";
    const file = await workspace.write(
      "graph.yaml",
      manifest("shop", [
        { actor: "loop", behaviour: deadly },
        { actor: "later", behaviour: deadly },
        { actor: "exit", behaviour: deadly, durable: true },
        { actor: "parrot", behaviour: "./parrot.ts#parrot" },
      ]),
    );
    cell = await start([file]);
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const actor = async (name: string) => await cell.kernel.actor("a", `shop/${name}`);
  const status = async (name: string) => (await actor(name)).status;
  const say = (name: string) => cell.client.request(`shop/${name}`, "say", {}, { timeoutMs: 10_000 });
  const answers = () =>
    vi.waitFor(() => cell.client.request("shop/parrot", "say", { text: "here" }, { timeoutMs: 3_000 }), WAIT);
  const deathsOf = async (name: string): Promise<number> => {
    const events = await cell.kernel.events("a", { kinds: ["processDied"] });
    return events
      .map((bytes) => fromBinary(EventSchema, bytes))
      .filter((each) => each.actor === `shop/${name}`).length;
  };
  /** At least one more death, by an intent of its own. */
  const end = async (name: string, how: string): Promise<void> => {
    const before = await deathsOf(name);
    // Its deadline is over before it could be begun again.
    const ended = cell.client.request(`shop/${name}`, "end", { how }, { timeoutMs: 200 });
    await expect(ended).rejects.toMatchObject({
      code: expect.stringMatching(/^(ACTOR_DEADLINE_EXCEEDED|ACTOR_PARKED)$/),
    });
    await vi.waitFor(async () => expect(await deathsOf(name)).toBeGreaterThan(before), WAIT);
    await answers();
  };

  it.each([
    ["loop", "in a transition that never returns", "loop"],
    ["later", "in a promise, behind an await", "later"],
    ["exit", "by ending the process itself, and the actor is durable", "exit"],
  ])("has %s parked: %s", async (name, _what, how) => {
    expect(await status(name)).toBe("running");
    while ((await status(name)) !== "parked") await end(name, how);
    await expect(say(name)).rejects.toMatchObject({ code: "ACTOR_PARKED", retryable: false });
    const [parked] = (await cell.kernel.events("a", { kinds: ["actorParked"], actor: `shop/${name}` })).map(
      (bytes) => fromBinary(EventSchema, bytes).kind,
    );
    const deaths = parked?.case === "actorParked" ? parked.value.restartsInPeriod : 0;
    expect(parked).toMatchObject({
      value: { reason: expect.stringContaining(`process ended ${deaths} time`) },
    });
    // The first has all its deaths; later ones may have less, for so many within a minute are enough.
    expect(deaths).toBeLessThanOrEqual(DEATHS);
    if (name === "loop") expect(deaths).toBe(DEATHS);
  });

  it("does not make the cradle give up, with more deaths than that allows for anything else", async () => {
    expect((await cell.kernel.events("a", { kinds: ["processDied"] })).length).toBeGreaterThan(CRADLE_ALLOWS);
    expect((await answers()).value).toMatchObject({ text: "here" });
  });

  it("cannot wake them by another end of the process, nor by one of the whole cell", async () => {
    await cell.kill("node");
    await answers();
    expect(await status("loop")).toBe("parked");
    await cell.stop();
    cell = await start([]);
    await answers();
    for (const name of ["loop", "later", "exit"]) expect(await status(name)).toBe("parked");
  });

  it("finds them again once the operator has started them, with all their bounds anew", async () => {
    expect((await cell.cli("start", "shop/loop")).code).toBe(0);
    expect((await cell.cli("restart", "shop/exit")).code).toBe(0);
    expect((await say("loop")).value).toEqual({ said: true });
    expect((await say("exit")).value).toEqual({ said: true });
    await end("loop", "loop");
    expect(await status("loop")).toBe("running");
    expect(await status("later")).toBe("parked");
  });
});
