// An intent that hangs the whole process each time is poison like any other: the process
// dies twice of it, and not once more.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeadLetterReport, DeadLetterRow } from "../../src/actors/kernel/reports.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("an intent that never gives the shared loop back", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const behaviour = "./spinner.ts#spinner";
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "spinner", behaviour },
        { actor: "keeper", behaviour, durable: true },
        { actor: "parrot", behaviour: "./parrot.ts#parrot" },
      ]),
    );
    cell = await startCell({ up: [file], spare: true });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const deaths = async (actor: string) => await cell.kernel.events("a", { kinds: ["processDied"], actor });

  // A durable actor has applied and answered it before its action runs: it is that which is not tried again.
  it.each([
    ["live/spinner", "ACTOR_INTENT_POISONOUS"],
    ["live/keeper", undefined],
  ])("is a dead letter after two deaths of the node: %s", async (actor, code) => {
    const spin = cell.client.request(actor, "spin", { ms: 120_000 }, { timeoutMs: 45_000 });
    const answer = await spin.catch((error: unknown) => error);
    expect(answer).toMatchObject(code === undefined ? { value: {} } : { code, retryable: false });
    const [row] = (await vi.waitFor(
      async () => {
        const rows = (await cell.json("deadletter", "list", "--actor", actor)) as readonly DeadLetterRow[];
        expect(rows).toHaveLength(1);
        return rows;
      },
      { timeout: 20_000, interval: 100 },
    )) as readonly DeadLetterRow[];
    const pid = await cell.pid("node");
    const letter = (await cell.json("deadletter", "show", row?.id ?? "")) as DeadLetterReport;
    expect(letter.story).toMatchObject([{ name: "ProcessDied" }, { name: "ProcessDied" }]);
    // The actor is well, and so is everything beside it.
    await cell.client.request(actor, "spin", { ms: 1 }, { timeoutMs: 20_000 });
    await cell.client.request("live/parrot", "say", { text: "x" }, { timeoutMs: 20_000 });
    expect(await deaths(actor)).toHaveLength(2);
    expect(await cell.pid("node")).toBe(pid);
  });
});
