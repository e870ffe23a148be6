import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fastestMs } from "../measure.ts";
import { cell0, type LiveCell, lastJson, startCell } from "./live-cell.ts";
import { type Child, makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const parrot = (actor: string, prefix: string, more: Child = {}): Child => ({
  actor,
  behaviour: "./parrot.ts#parrot",
  input: { prefix },
  ...more,
});

describe("a running graph", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  const write = (children: readonly Child[], name = "live") =>
    workspace.write(`${name}.yaml`, manifest(name, children));
  beforeAll(async () => {
    workspace = await makeWorkspace();
    cell = await startCell({ up: [await write([parrot("first", "1 "), parrot("second", "2 ")])] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const say = async (actor: string) => (await cell.client.request(actor, "say", { text: "x" })).value;
  const actor = (path: string) => cell.kernel.actor("a", path);
  const runs = async () => {
    const [first, second] = await Promise.all([actor("live/first"), actor("live/second")]);
    return { first: first.startedAtUnixMs, second: second.startedAtUnixMs };
  };
  const revision = async () => (await cell.kernel.graph()).revision;

  describe("of which one actor is changed", () => {
    it("is planned with old and new value and the reason of the restart, and nothing is done", async () => {
      const before = await runs();
      const file = await write([parrot("first", "one "), parrot("second", "2 ")]);
      const plan = await cell.cli("plan", file);
      expect(plan).toMatchObject({ code: 0 });
      expect(plan.stdout).toMatch(/live\/first/);
      expect(plan.stdout).toMatch(/"1 ".*"one "/s);
      expect(plan.stdout).toMatch(/restart/);
      expect(plan.stdout).not.toMatch(/live\/second/);
      expect(await runs()).toEqual(before);
      expect(await revision()).toBe(1);
    });

    it("differs from its manifest: `diff` exits with 1", async () => {
      expect(await cell.cli("diff", workspace.path("live.yaml"))).toMatchObject({ code: 1 });
    });

    it("restarts that actor only, when it is applied", async () => {
      const before = await runs();
      expect(await say("live/second")).toEqual({ text: "2 x", count: 1 });
      const report = await cell.json("apply", workspace.path("live.yaml"));
      expect(report).toMatchObject({
        applied: true,
        revision: 2,
        unsatisfied: [],
        changes: [{ path: "live/first", kind: "changed", restarts: true }],
      });
      expect(await say("live/first")).toEqual({ text: "one x", count: 1 });
      expect(await say("live/second")).toEqual({ text: "2 x", count: 2 });
      const after = await runs();
      expect(after.first).not.toBe(before.first);
      expect(after.second).toBe(before.second);
    });

    it("is not changed by applying it a second time, and `diff` exits with 0", async () => {
      const before = await runs();
      const again = await cell.json("apply", workspace.path("live.yaml"));
      expect(again).toMatchObject({ applied: false, changes: [], problems: [], revision: 2 });
      expect(await cell.cli("diff", workspace.path("live.yaml"))).toMatchObject({ code: 0 });
      expect(await runs()).toEqual(before);
    });

    it("takes a new bound of its mailbox and new grants without a restart", async () => {
      const before = await runs();
      const grants = [{ intents: ["say"], targets: ["live/second"] }];
      const file = await write([
        parrot("first", "one ", { mailbox: { bound: 7 }, grants }),
        parrot("second", "2 "),
      ]);
      expect(await cell.json("apply", file)).toMatchObject({
        applied: true,
        changes: [{ path: "live/first", kind: "changed", restarts: false }],
      });
      expect(await runs()).toEqual(before);
      expect(await actor("live/first")).toMatchObject({ mailboxBound: 7, grants });
    });

    it("loads a behaviour whose file was changed anew", async () => {
      const source = (greeting: string) => `
        import { defineActor, intent, reply } from "cell0";
        import { setup } from "xstate";
        import { z } from "zod";
        import { greeting } from "./greeting.js";
        const intents = { say: intent({ payload: z.object({ text: z.string() }), reply: z.object({ text: z.string() }) }) };
        const machine = setup({}).createMachine({
          on: { say: { actions: reply(({ event }) => ({ text: greeting + "${greeting}" + event.payload.text })) } },
        });
        export const edited = defineActor({ machine, intents });
      `;
      const file = await workspace.write(
        "code.yaml",
        manifest("code", [{ actor: "edited", behaviour: "./edited.js#edited" }]),
      );
      await workspace.write("greeting.js", 'export const greeting = "a";');
      await workspace.write("edited.js", source("b "));
      await cell.json("apply", file);
      expect(await say("code/edited")).toEqual({ text: "ab x" });
      await workspace.write("greeting.js", 'export const greeting = "A";');
      const report = await cell.json("apply", file);
      expect(report).toMatchObject({ applied: true, changes: [{ path: "code/edited", restarts: true }] });
      expect(await say("code/edited")).toEqual({ text: "Ab x" });
    });
  });

  describe("to which something is applied that fails", () => {
    const broken = {
      "a module that throws when it is imported": {
        code: "ACTOR_BEHAVIOUR_THREW",
        source: 'throw new Error("not today"); export const actor = 1;',
      },
      "a module that does not parse": { code: "ACTOR_BEHAVIOUR_THREW", source: "export const actor = ;" },
      "an export that is no behaviour": {
        code: "ACTOR_BEHAVIOUR_INVALID",
        source: "export const actor = {};",
      },
      "a misspelt export": { code: "ACTOR_BEHAVIOUR_EXPORT_UNKNOWN", source: "export const acter = {};" },
      "a module that reads the cell's keys": {
        code: "ACTOR_PROBE_DENIED",
        source: 'import { readFileSync } from "node:fs"; readFileSync("KEYS"); export const actor = 1;',
      },
      "a machine that throws when it starts": {
        code: "SUPERVISOR_RECONCILE_FAILED",
        source: `
          import { defineActor } from "cell0";
          import { createMachine } from "xstate";
          const machine = createMachine({ context: () => { throw new Error("no context today"); } });
          export const actor = defineActor({ machine, intents: {} });
        `,
      },
    };

    it.each(Object.entries(broken))(
      "%s, the old one runs on, and it is said so",
      async (_name, { code, source }) => {
        const before = { runs: await runs(), revision: await revision() };
        await workspace.write("broken.js", source.replace("KEYS", cell.dir.operatorCreds));
        const file = await workspace.write(
          "mixed.yaml",
          `${manifest("live", [parrot("first", "changed "), { actor: "third", behaviour: "./broken.js#actor" }])}`,
        );
        const { code: exit, stderr } = await cell.cli("apply", file, "--yes");
        expect({ exit, stderr }).toEqual({ exit: 3, stderr: expect.stringContaining(code) });
        expect(await say("live/first")).toMatchObject({ text: "one x" });
        expect(await say("live/second")).toMatchObject({ text: "2 x" });
        expect((await actor("live/second")).startedAtUnixMs).toBe(before.runs.second);
        expect(await revision()).toBe(before.revision);
        await expect(actor("live/third")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
      },
    );

    it("manifests with mistakes, nothing is asked of the cell, and every mistake is shown with its place", async () => {
      const file = await workspace.write(
        "mistakes.yaml",
        "apiVersion: cell0.dev/v1\nkind: ActorGraph\nmetadata:\n  name: kernel\nspec:\n  children:\n    - actor: a\n      behavior: ./parrot.ts#parrot\n      sandbox: required\n",
      );
      const { code, stderr } = await cell.cli("apply", file);
      expect(code).toBe(2);
      for (const mistake of ["MANIFEST_RESERVED_NAME", "MANIFEST_UNKNOWN_FIELD", "MANIFEST_INVALID_VALUE"])
        expect(stderr).toContain(mistake);
      expect(stderr).toMatch(/mistakes\.yaml:8:7/);
      expect(stderr).toContain("behaviour");
    });
  });

  describe("that drifts", () => {
    it("returns to its manifest within a second of an actor's being stopped by hand", async () => {
      const before = await runs();
      const returned = await fastestMs(1_500, async () => {
        await cell.kernel.steer("a", "stop", "live/second");
        const stoppedAt = performance.now();
        await vi.waitFor(async () => expect(await say("live/second")).toMatchObject({ text: "2 x" }), {
          interval: 10,
        });
        return performance.now() - stoppedAt;
      });
      expect(returned).toBeLessThan(1_500);
      expect((await runs()).second).not.toBe(before.second);
      expect((await runs()).first).toBe(before.first);
    });

    it("starts an actor anew when it is asked to", async () => {
      const before = await runs();
      expect(await cell.cli("restart", "live/first")).toMatchObject({ code: 0 });
      const after = await runs();
      expect(after.first).not.toBe(before.first);
      expect(after.second).toBe(before.second);
    });
  });

  it("keeps its revisions, and `rollback` returns to one as a new one", async () => {
    const { revision: last } = await cell.kernel.graph();
    const report = await cell.json("rollback", "1", "--yes");
    expect(report).toMatchObject({ applied: true, revision: last + 1 });
    expect(await say("live/first")).toMatchObject({ text: "1 x" });
    await expect(actor("code/edited")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
    const rows = await cell.kernel.revisions();
    expect(rows[0]).toMatchObject({ revision: last + 1, rollbackOf: 1, current: true, author: "operator" });
    expect(await cell.cli("rollback", "999", "--yes")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("CELL_REVISION_UNKNOWN"),
    });
  });

  it("stays when another graph is deleted, in reverse start order, and goes with --prune", async () => {
    const other = await write([parrot("one", ""), parrot("two", "")], "other");
    await cell.json("apply", other);
    expect(await say("other/two")).toMatchObject({ text: "x" });
    expect(await cell.json("delete", "other", "--yes")).toMatchObject({
      applied: true,
      changes: [{ path: "other/two" }, { path: "other/one" }, { path: "other" }],
    });
    await expect(cell.client.request("other/one", "say", { text: "x" })).rejects.toMatchObject({
      code: "ACTOR_NOT_FOUND",
    });
    expect(await cell.cli("delete", "other", "--yes")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("CELL_GRAPH_UNKNOWN"),
    });
    expect(await say("live/first")).toMatchObject({ text: "1 x" });
    await cell.json("apply", other, "--prune", "--yes");
    await expect(cell.client.request("live/first", "say", { text: "x" })).rejects.toMatchObject({
      code: "ACTOR_NOT_FOUND",
    });
    expect(await say("other/one")).toMatchObject({ text: "x" });
  });

  it("is not changed by two at once: the second one of the same base is refused", async () => {
    const graphs = await Promise.all(
      ["left", "right"].map((name) => workspace.write(`${name}.yaml`, manifest(name, [parrot("one", "")]))),
    );
    const outcomes = await Promise.all(
      graphs.map((file) => cell0(["--data-dir", cell.dir.root, "--json", "apply", file, "--yes"])),
    );
    for (const { code, stdout, stderr } of outcomes) {
      if (code === 0) expect(lastJson(stdout)).toMatchObject({ applied: true });
      else expect(stderr).toContain("CELL_REVISION_CONFLICT");
    }
    expect(outcomes.some(({ code }) => code === 0)).toBe(true);
  });
});
