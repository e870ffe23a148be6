// What is killed comes back, and a client whose deadline is longer than that never
// notices: under load, each of its intents is answered once.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LiveCell, type ProcessName, startCell } from "./live-cell.ts";
import { startLoad } from "./load.ts";
import { openRawClient } from "./raw-client.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a client under load", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [{ actor: "parrot", behaviour: "./parrot.ts#parrot" }]),
    );
    cell = await startCell({ up: [file] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const kills: readonly (readonly [string, readonly ProcessName[]])[] = [
    ["the node", ["node"]],
    ["the core", ["core"]],
    ["the broker", ["broker"]],
    ["node and broker together", ["node", "broker"]],
  ];
  it.each(kills)("has each of its intents answered when %s is killed with -9", async (_what, names) => {
    const load = startLoad(cell.client, "live/parrot");
    await load.more(50);
    await Promise.all(names.map((name) => cell.kill(name)));
    await load.more(50);
    const result = await load.stop();
    expect(result.failures).toEqual([]);
    expect(result.longestGapMs).toBeLessThan(10_000);
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
