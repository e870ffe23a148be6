// What is used under capability tokens with limits, on a live cell: cost, what agents may have, and what
// the cell keeps.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const SPENT = "CAPABILITY_SPENT";
const parrot = { behaviour: "./parrot.ts#parrot" };
const pool = (supervisor: string, template: object) => ({
  ...{ supervisor, strategy: "simple_one_for_one", template: { ...parrot, ...template } },
});

describe("a token with limits", () => {
  let workspace: Workspace;
  let cell: LiveCell;
  const path = (name: string) => workspace.path(name);

  beforeAll(async () => {
    workspace = await makeWorkspace();
    const children = [
      { actor: "paid", ...parrot, intents: { say: { cost: 0.25 }, crash: { cost: 0 } } },
      { actor: "unpriced", ...parrot },
      { actor: "kept", behaviour: "./ledger.ts#ledger", durable: true },
      pool("shared", {}),
      pool("worker", { isolation: "worker", limits: { memory: "64MiB" } }),
      pool("process", { isolation: "process", limits: { memory: "64MiB", cpu: 0.5 } }),
    ];
    cell = await startCell({ up: [await workspace.write("live.yaml", manifest("live", children))] });
    for (const name of ["ann", "bob"])
      await cell.json("client", "add", name, "--manifest-grants", "--out", path(`${name}.creds`));
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const keyOf = async (name: string) =>
    (await cell.cli("--creds", path(`${name}.creds`), "cap", "key")).stdout.trim();
  const mint = (file: string, ...asked: readonly string[]) =>
    cell.json("cap", "mint", "--holder", "ann", ...asked, "--out", path(file));
  /** Until it is refused, its answer; or its code and what that says. */
  const ask = async (as: string, cap: string, target: string, intent: string, payload: unknown) => {
    const sent = ["send", target, intent, JSON.stringify(payload), "--cap", path(cap)];
    const { code, stderr } = await cell.cli("--creds", path(`${as}.creds`), ...sent);
    return code === 0 ? "ok" : (stderr.split(";", 1)[0] ?? "");
  };
  const say = (as: string, cap: string, target = "live/paid") => ask(as, cap, target, "say", { text: "hi" });
  const start = (cap: string, supervisor: string, name: string) =>
    ask("ann", cap, "kernel/a/registry", "child.start", { supervisor: `live/${supervisor}`, name });

  it("pays for each intent the price that its target's manifest states, also after its node was killed", async () => {
    await mint("one.cap", "--target", "live/**", "--cost", "1", "--depth", "1");
    const less = ["--holder", await keyOf("bob"), "--cost", "0.4", "--out", path("less.cap")];
    await cell.json("--creds", path("ann.creds"), "cap", "attenuate", path("one.cap"), ...less);
    expect([await say("bob", "less.cap"), await say("bob", "less.cap")]).toEqual([
      "ok",
      `${SPENT}: cost: 0.25 asked, 0.15 left of 0.4`,
    ]);
    expect([await say("ann", "one.cap"), await say("ann", "one.cap")]).toEqual(["ok", "ok"]);
    await cell.kill("node");
    expect([await say("ann", "one.cap"), await say("ann", "one.cap")]).toEqual([
      "ok",
      `${SPENT}: cost: 0.25 asked, 0 left of 1`,
    ]);
    expect((await cell.cli("get", "actor", "live/paid")).stdout).toMatch(/^ {4}cost {5}0\.25$/m);
  });

  it("is refused where nothing says what an intent costs, and where more is asked than it may be handed", async () => {
    await mint("dear.cap", "--target", "live/**", "--cost", "1", "--depth", "1");
    await mint("dear-agents.cap", "--permission", "AGENT_SPAWN", "--cost", "1");
    expect(await say("ann", "dear.cap", "live/unpriced")).toBe(
      "CAPABILITY_PRICE_UNSTATED: the token limits cost, and `live/unpriced` states no price of `say`",
    );
    // Of the kernel's own intents none costs anything.
    expect(await start("dear-agents.cap", "shared", "free")).toBe("ok");
    for (const wider of [
      ["--cost", "1.000001"],
      ["--memory", "1MiB", "--cost", "2"],
    ]) {
      const more = ["--holder", await keyOf("bob"), ...wider, "--out", path("more.cap")];
      const { stderr } = await cell.cli(
        "--creds",
        path("ann.creds"),
        "cap",
        "attenuate",
        path("dear.cap"),
        ...more,
      );
      expect(stderr).toMatch(/^CAPABILITY_WIDENED: its limit costMicro is higher, or missing/);
    }
  });

  it("starts agents with so much memory and so many processors in all", async () => {
    await mint("heap.cap", "--permission", "AGENT_SPAWN", "--memory", "224MiB");
    await mint("half.cap", "--permission", "AGENT_SPAWN", "--cpu", "500m", "--memory", "1GiB");
    expect(await start("heap.cap", "shared", "one")).toMatch(/^CAPABILITY_CHILD_UNLIMITED/);
    expect(await start("heap.cap", "nobody", "one")).toMatch(/^SUPERVISOR_NOT_FOUND/);
    expect(await start("half.cap", "worker", "one")).toMatch(/^CAPABILITY_CHILD_UNLIMITED/);
    expect([await start("heap.cap", "worker", "one"), await start("heap.cap", "process", "one")]).toEqual([
      "ok",
      "ok",
    ]);
    expect(await start("heap.cap", "worker", "two")).toBe(`${SPENT}: memory: 64MiB asked, 0B left of 224MiB`);
    expect([await start("half.cap", "process", "two"), await start("half.cap", "process", "three")]).toEqual([
      "ok",
      `${SPENT}: processors: 0.5 asked, 0 left of 0.5`,
    ]);
  });

  it("has the cell keep so many bytes, and as many as come where nothing is kept", async () => {
    await mint("disk.cap", "--target", "live/*", "--storage", "8KB");
    const add = (pad: string) => ask("ann", "disk.cap", "live/kept", "enter", { entry: 1, pad });
    for (let n = 0; n < 12; n += 1) expect(await say("ann", "disk.cap", "live/unpriced")).toBe("ok");
    const outcomes = [];
    for (let n = 0; n < 4; n += 1) outcomes.push(await add("x".repeat(3_000)));
    expect(outcomes).toEqual([
      "ok",
      "ok",
      expect.stringMatching(/^CAPABILITY_SPENT: storage: \d+B asked, /),
      expect.stringMatching(/^CAPABILITY_SPENT/),
    ]);
  });

  it("is shown with them", async () => {
    await mint(
      "all.cap",
      "--target",
      "live/*",
      "--calls",
      "3",
      "--cost",
      "2.5",
      "--memory",
      "1GiB",
      "--cpu",
      "2",
    );
    const shown = (await cell.cli("cap", "show", path("all.cap"))).stdout;
    expect(shown.match(/^ {3}at most {4}.*$/gm)?.map((line) => line.slice(14))).toEqual([
      ...["3 intents", "2.5 cost", "1GiB memory", "2 processors"],
    ]);
    expect((await cell.cli("cap", "list")).stdout).toMatch(
      / 3 intents, 2\.5 cost, 1GiB memory, 2 processors$/m,
    );
    for (const wrong of [
      ["--cost", "0"],
      ["--cost", "1e3"],
      ["--memory", "12"],
      ["--cpu", "0.0001"],
    ]) {
      const { stderr } = await cell.cli("cap", "mint", "--holder", "ann", "--target", "live/*", ...wrong);
      expect(stderr).toMatch(/^CLI_USAGE/);
    }
  });
});
