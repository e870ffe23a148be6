// New code for durable actors states what becomes of the state that they hold, or is refused,
// by plan and by apply alike: also for those that sleep, and that nobody has woken since the
// node's start.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

/** A desk that is opened once; `states` and `more` differ from one version of its code to the next. */
const desk = (
  states: string,
  more: string,
  initial = "draft",
) => `import { defineActor, intent, reply } from "cell0";
import { setup } from "xstate";
import { z } from "zod";

const intents = { open: intent({ reply: z.unknown() }), look: intent({ reply: z.unknown() }) };
const machine = setup({}).createMachine({
  initial: "${initial}",
  context: {},
  on: { look: { actions: reply(({ self }) => "here") } },
  states: ${states},
});
export const desk = defineActor({ machine, intents, ${more} });
`;
const OPEN = '{ draft: { on: { open: { target: "open", actions: reply(() => "opened") } } }, open: {} }';
const ACTIVE =
  '{ draft: { on: { open: { target: "active", actions: reply(() => "opened") } } }, active: {} }';
const RECEIVED =
  '{ received: { on: { open: { target: "open", actions: reply(() => "opened") } } }, open: {} }';
const MIGRATE = 'migrate: ({ state }) => ({ state: state === "open" ? "active" : state, context: {} })';

describe("new code for durable actors", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let file: string;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    await workspace.write("desk.ts", desk(OPEN, "version: 1"));
    const durable = (actor: string, more = {}) => ({
      ...{ actor, behaviour: "./desk.ts#desk", durable: true },
      ...more,
    });
    file = await workspace.write(
      "graph.yaml",
      manifest("desks", [durable("awake"), durable("asleep", { passivate: "1s" }), durable("unwoken")]),
    );
    cell = await startCell({ up: [file] });
    const open = (name: string) => cell.client.request(`desks/${name}`, "open", {}, { timeoutMs: 20_000 });
    for (const name of ["awake", "asleep"]) await open(name);
    await cell.kill("node");
    for (const name of ["awake", "asleep"]) await look(name);
    await vi.waitFor(
      async () => expect(await cell.kernel.actor("a", "desks/asleep")).toMatchObject({ durable: "asleep" }),
      {
        timeout: 20_000,
      },
    );
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const look = async (name: string) =>
    (await cell.client.request(`desks/${name}`, "look", {}, { timeoutMs: 20_000 })).value;
  const state = async (name: string) => (await cell.kernel.actor("a", `desks/${name}`)).state;
  const durability = async (name: string) => (await cell.kernel.actor("a", `desks/${name}`)).durable;

  it("finds one actor awake, one that has gone to sleep and one that was never woken", async () => {
    const found = Object.fromEntries(
      await Promise.all(
        ["awake", "asleep", "unwoken"].map(async (name) => [name, await durability(name)] as const),
      ),
    );
    expect(found).toEqual({ awake: "awake", asleep: "asleep", unwoken: "asleep" });
  });

  const refusals: [what: string, code: string, stranded: string][] = [
    [
      "of the same version that has lost a state",
      desk(ACTIVE, "version: 1"),
      "desks/awake (open), desks/asleep (open)",
    ],
    [
      "of the same version that has lost the state that only a sleeper is in",
      desk(RECEIVED, "version: 1", "received"),
      "desks/unwoken (draft)",
    ],
    [
      "of another version that states no migration",
      desk(OPEN, "version: 2"),
      "desks/awake (open), desks/asleep (open), desks/unwoken (draft)",
    ],
    [
      "that states no version any more",
      desk(OPEN, ""),
      "desks/awake (open), desks/asleep (open), desks/unwoken (draft)",
    ],
  ];
  it.each(refusals)(
    "%s is refused by plan and by apply, which name each actor and its state",
    async (_, code, stranded) => {
      await workspace.write("desk.ts", code);
      const before = await cell.kernel.graph();
      for (const command of [["plan"], ["apply", "--yes"]]) {
        const refused = await cell.cli(...command, file);
        expect({ code: refused.code, stderr: refused.stderr }).toEqual({
          code: 3,
          stderr: expect.stringContaining("ACTOR_MIGRATION_MISSING"),
        });
        expect(refused.stderr).toContain(`the new code would strand live state: ${stranded}; `);
      }
      expect((await cell.kernel.graph()).revision).toBe(before.revision);
      expect(await look("awake")).toBe("here");
      expect([await state("awake"), await durability("unwoken")]).toEqual(["open", "asleep"]);
    },
  );

  it("that states a migration is applied, and each actor goes on in the state that it says", async () => {
    await workspace.write("desk.ts", desk(ACTIVE, `version: 2, ${MIGRATE}`));
    expect((await cell.cli("plan", file)).code).toBe(0);
    await cell.json("apply", "--yes", file);
    for (const name of ["awake", "asleep", "unwoken"]) expect(await look(name)).toBe("here");
    const states = await Promise.all(["awake", "asleep", "unwoken"].map(state));
    expect(states).toEqual(["active", "active", "draft"]);
  });

  it("is judged by what an actor holds that has slept through the version before", async () => {
    await workspace.write("desk.ts", desk(ACTIVE, `version: 3, ${MIGRATE}`));
    await cell.json("apply", "--yes", file);
    expect(await durability("unwoken")).toBe("asleep");
    await workspace.write("desk.ts", desk(ACTIVE, "version: 3"));
    const refused = await cell.cli("plan", file);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("desks/unwoken (draft)") });
    await workspace.write("desk.ts", desk(ACTIVE, "version: 2"));
    expect((await cell.cli("plan", file)).code).toBe(0);
  });
});
