// What is killed comes back, and a client whose deadline is longer than that never
// notices: under load, each of its intents is answered once.
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EventSchema, FailureClass } from "../../src/gen/cell0/v1/events_pb.ts";
import { type LiveCell, type ProcessName, startCell } from "./live-cell.ts";
import { startLoad } from "./load.ts";
import { openRawClient } from "./raw-client.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe.each([true, false])("a client under load, a spare node standing by: %s", (spare) => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "parrot", behaviour: "./parrot.ts#parrot" },
        { actor: "spinner", behaviour: "./spinner.ts#spinner" },
      ]),
    );
    cell = await startCell({ up: [file], spare });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const standsBy = () =>
    vi.waitFor(async () => void (spare && (await cell.pid("node-spare"))), { timeout: 20_000, interval: 20 });
  const count = async () =>
    ((await cell.client.request("live/parrot", "say", { text: "x" })).value as { count: number }).count;
  /** Of the processes, as the node recorded them, oldest first. */
  const deaths = async () => {
    const kinds = ["processDied"];
    const records = await vi.waitFor(
      async () => {
        const events = await cell.kernel.events("a", { kinds });
        expect(events.length).toBeGreaterThan(recorded);
        return events;
      },
      { timeout: 20_000, interval: 20 },
    );
    recorded = records.length;
    return records.flatMap((bytes) => {
      const { actor, kind } = fromBinary(EventSchema, bytes);
      return kind.case === "processDied" ? [{ ...kind.value, actor }] : [];
    });
  };
  let recorded = 0;

  const kills: readonly (readonly [string, readonly ProcessName[]])[] = [
    ["the node", ["node"]],
    ["the core", ["core"]],
    ["the broker", ["broker"]],
    ["node and broker together", ["node", "broker"]],
  ];
  it.each(kills)("has each of its intents answered when %s is killed with -9", async (_what, names) => {
    const load = startLoad(cell.client, "live/parrot");
    await load.more(50);
    await standsBy();
    await Promise.all(names.map((name) => cell.kill(name)));
    await load.more(50);
    const result = await load.stop();
    await deaths();
    expect(result.failures).toEqual([]);
    expect(result.longestGapMs).toBeLessThan(10_000);
  });

  const runs = ["node", "core", "broker"] as const;
  it.each(runs)(
    "has each of its intents answered when the %s is stopped, which nothing announces",
    async (name) => {
      const load = startLoad(cell.client, "live/parrot");
      await load.more(50);
      process.kill(await cell.pid(name), "SIGSTOP");
      await load.more(50);
      expect((await load.stop()).failures).toEqual([]);
      const death = (await deaths()).at(-1);
      expect(death).toMatchObject({ process: name, failure: FailureClass.HANG });
      expect(death?.cause).toMatch(/^stopped by a signal/);
    },
  );

  it("has each of its intents answered when an actor never gives the loop back, and the record says where it stood", async () => {
    const load = startLoad(cell.client, "live/parrot");
    await load.more(50);
    const before = await cell.pid("node");
    // So short a deadline that the next node is not asked as well: on a loaded machine it may be over too soon.
    const spin = async () => {
      const now = await cell.pid("node");
      if (now === before) {
        const spinning = cell.client.request("live/spinner", "spin", { ms: 60_000 }, { timeoutMs: 60 });
        await expect(spinning).rejects.toMatchObject({ code: "ACTOR_DEADLINE_EXCEEDED" });
      }
      expect(now).not.toBe(before);
    };
    await vi.waitFor(spin, { timeout: 30_000, interval: 1_500 });
    await load.more(50);
    expect((await load.stop()).failures).toEqual([]);
    const death = (await deaths()).at(-1);
    expect(death).toMatchObject({ process: "node", failure: FailureClass.HANG, actor: "live/spinner" });
    expect(death?.cause).toMatch(/^stuck for \d+ ms/);
    expect(death?.stack).toMatch(/spinFor \(.*spinner\.ts:\d+/);
    expect(death?.intentId).toHaveLength(16);
    const logs = await cell.cli("logs", "--kind", "processDied");
    expect(logs.stdout).toMatch(/live\/spinner.*node died \(hang: stuck for \d+ ms\); it stood at \S+/);
  });

  it("is not disturbed by an actor that is slow, but gives the loop back in time", async () => {
    const before = await cell.pid("node");
    await cell.client.request("live/spinner", "spin", { ms: 300 });
    expect(await cell.pid("node")).toBe(before);
  });

  it("has each of its intents answered when the kernel is built anew in its process, and actors go on from what they knew", async () => {
    const pid = await cell.pid("node");
    const load = startLoad(cell.client, "live/parrot");
    await load.more(50);
    const before = await count();
    await cell.kernel.rebuild("a");
    await load.more(50);
    expect((await load.stop()).failures).toEqual([]);
    expect(await count()).toBeGreaterThan(before);
    expect(await cell.pid("node")).toBe(pid);
    const [record] = await cell.kernel.events("a", { kinds: ["kernelRebuilt"] });
    const { kind } = fromBinary(EventSchema, record ?? new Uint8Array());
    expect(kind).toMatchObject({ case: "kernelRebuilt", value: { cause: "asked" } });
    expect((await cell.cli("restart", "--kernel")).stdout).toMatch(/^kernel of a {2}answers again after/);
  });

  it("gets the same answer again after a node's death, and may send what it never had sent", async () => {
    const raw = await openRawClient(cell.dir.operatorCreds);
    const inbox = raw.inbox();
    const answered = raw.capsule({ target: "live/parrot", replyInbox: inbox });
    const other = raw.inbox();
    const unsent = raw.capsule({ target: "live/parrot", replyInbox: other });
    const ask = (capsule: Uint8Array, replyTo: string) =>
      raw.exchange(raw.subject("live/parrot"), raw.seal(capsule), replyTo);
    const [before] = await ask(answered, inbox);
    await cell.kill("node");
    await cell.client.request("live/parrot", "say", { text: "back" }, { timeoutMs: 20_000 });
    const [again] = await ask(answered, inbox);
    expect(again).toEqual(before);
    const [late] = await ask(unsent, other);
    expect([late?.error, late?.final]).toEqual([undefined, true]);
    await raw.close();
  });
});
