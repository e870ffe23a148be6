import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeadLetterReport, DeadLetterRow } from "../../src/actors/kernel/reports.ts";
import { type Event, EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("an intent that kills its actor each time", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const clerk = "./fragile.ts#clerk";
    const file = await workspace.write(
      "graph.yaml",
      manifest(
        "shop",
        [
          { actor: "clerk", behaviour: clerk },
          { actor: "other", behaviour: clerk },
          { actor: "strict", behaviour: clerk, poison: { deaths: 1 } },
        ],
        { intensity: 1, period: "60s" },
      ),
    );
    cell = await startCell({ up: [file] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const ask = (actor: string, intent: string, payload: unknown) =>
    cell.client.request(actor, intent, payload);
  const events = async (kinds: readonly string[]): Promise<readonly Event[]> =>
    (await cell.kernel.events("a", { kinds })).map((bytes) => fromBinary(EventSchema, bytes));
  const letters = (count: number, ...options: readonly string[]) =>
    vi.waitFor(
      async () => {
        const rows = (await cell.json("deadletter", "list", ...options)) as readonly DeadLetterRow[];
        expect(rows).toHaveLength(count);
        return rows;
      },
      { timeout: 10_000, interval: 50 },
    );
  const first = async (): Promise<DeadLetterRow> => {
    const [row] = await letters(1);
    if (row === undefined) throw new Error("no dead letter");
    return row;
  };

  it("is answered ACTOR_INTENT_POISONOUS, and the actor goes on with its state", async () => {
    expect((await ask("shop/clerk", "price", { item: "tea" })).value).toEqual({ price: 1 });
    await expect(ask("shop/clerk", "price", { item: "gold" })).rejects.toMatchObject({
      code: "ACTOR_INTENT_POISONOUS",
      retryable: false,
    });
    expect((await ask("shop/clerk", "count", {})).value).toEqual({ served: 1 });
  });

  it("disturbs no sibling, and uses one restart of the supervisor's intensity at most", async () => {
    expect(await cell.kernel.actor("a", "shop/other")).toMatchObject({ status: "running", restarts: 0 });
    expect(await cell.kernel.actor("a", "shop")).toMatchObject({ status: "running", restarts: 0 });
    expect(await cell.kernel.actor("a", "shop/clerk")).toMatchObject({ status: "running", restarts: 2 });
    expect(await events(["actorGaveUp", "escalated", "actorParked"])).toEqual([]);
    const { history } = await cell.kernel.actor("a", "shop/clerk");
    expect(history).toMatchObject([
      { class: "crash", failure: { name: "TypeError", message: "no price for gold" } },
      { class: "poison", failure: { name: "TypeError", message: "no price for gold" } },
    ]);
  });

  it("lies in `deadletter list`, by actor too", async () => {
    const row = await first();
    expect(row).toMatchObject({
      actor: "shop/clerk",
      node: "a",
      intent: { type: "price", principal: "operator" },
      deaths: 2,
      lastDeath: { class: "crash", name: "TypeError", message: "no price for gold" },
    });
    const table = await cell.cli("deadletter", "list", "--actor", "shop");
    expect(table.stdout).toMatch(/^ID +ACTOR +INTENT +FROM +DEATHS +SET ASIDE \(UTC\) +LAST DEATH$/m);
    expect(table.stdout).toMatch(/shop\/clerk +price +operator +2 .*TypeError: no price for gold/);
    expect(await cell.json("deadletter", "list", "--actor", "shop/other")).toEqual([]);
  });

  it("shows its story: capsule, payload and each death", async () => {
    const { id } = await first();
    const letter = (await cell.json("deadletter", "show", id.slice(-8))) as DeadLetterReport;
    expect(JSON.parse(Buffer.from(letter.payload, "base64").toString())).toEqual({ item: "gold" });
    expect(letter.capsule.length).toBeGreaterThan(100);
    expect(letter.story).toMatchObject([
      {
        class: "crash",
        name: "TypeError",
        incarnation: { activation: 1 },
        stack: expect.stringContaining("fragile"),
      },
      { class: "crash", name: "TypeError", incarnation: { activation: 2 } },
    ]);
    const shown = await cell.cli("deadletter", "show", id);
    expect(shown.stdout).toContain('{"item":"gold"}');
    expect(shown.stdout).toMatch(/death 2 .*incarnation 2/);
    const [event] = await events(["deadLettered"]);
    expect(event?.kind.case === "deadLettered" && event.kind.value.deaths).toBe(2);
  });

  it("is retried as a new intent of the operator once the cause is mended, and then is closed", async () => {
    const { id, intent } = await first();
    await ask("shop/clerk", "learn", { item: "gold" });
    const retried = (await cell.json("deadletter", "retry", id)) as { retriedAs: string; replies: unknown };
    expect(retried).toMatchObject({ id, actor: "shop/clerk", replies: [{ price: 3 }] });
    const chain = await cell.kernel.events("a", { rootId: intent.rootId });
    const ids = chain.map((bytes) => {
      const found = fromBinary(EventSchema, bytes).intent;
      return [found?.id, found?.causeId].map((id) => Buffer.from(id ?? []).toString("hex"));
    });
    expect(ids).toContainEqual([retried.retriedAs, intent.id]);
    await letters(0);
    const [closed] = await letters(1, "--all");
    expect(closed?.closed).toMatchObject({ how: "retried", by: "operator", retryId: retried.retriedAs });
    const twice = await cell.cli("deadletter", "retry", id);
    expect(twice.code).not.toBe(0);
    expect(twice.stderr).toContain("ACTOR_DEADLETTER_UNKNOWN");
  });

  it("is dropped, and stays in the full list", async () => {
    await expect(ask("shop/strict", "price", { item: "gold" })).rejects.toMatchObject({
      code: "ACTOR_INTENT_POISONOUS",
    });
    const row = await first();
    expect(row.deaths).toBe(1);
    expect(await cell.json("deadletter", "drop", row.id, "--yes")).toMatchObject({ dropped: true });
    await letters(0);
    expect((await letters(2, "--all"))[0]?.closed).toMatchObject({ how: "dropped", by: "operator" });
  });

  it("whose promise rejects is undone too: the actor is back in the state before it", async () => {
    await expect(ask("shop/strict", "fetch", { item: "nothing" })).rejects.toMatchObject({
      code: "ACTOR_INTENT_POISONOUS",
    });
    expect((await ask("shop/strict", "fetch", { item: "tea" })).value).toEqual({ price: 1 });
    await letters(1);
  });

  it("outlives the node: a letter is the cell's, in the broker", async () => {
    const { id } = await first();
    await cell.kill("node");
    await vi.waitFor(async () => (await ask("shop/other", "count", {})).value, {
      timeout: 15_000,
      interval: 50,
    });
    expect((await first()).id).toBe(id);
  });
});
