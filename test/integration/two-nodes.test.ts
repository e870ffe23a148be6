import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a second node", () => {
  let first: LiveCell;
  let second: LiveCell;
  let workspace: Workspace;
  let directory: string;
  const startSecond = (...up: readonly string[]) =>
    startCell({ directory, up, operator: first.dir.operatorCreds });
  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    first = await startCell();
    const file = workspace.path("b.creds");
    await first.json("node", "add", "b", "--shards", "128-255", "--out", file);
    second = await startSecond("--join", file);
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const say = async (path: string) =>
    (await first.client.request(path, "say", { text: "x" }, { timeoutMs: 5_000 })).value;
  const relay = async (path: string, target: string) =>
    (await first.client.request(path, "relay", { target, text: "psst" })).value;
  const apply = async (there: string, more: Readonly<Record<string, unknown>> = {}) => {
    const grants = [{ intents: ["say"], targets: ["live/near", "live/far"] }];
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "near", behaviour: "./parrot.ts#parrot", input: { prefix: "near " } },
        {
          actor: "far",
          behaviour: "./parrot.ts#parrot",
          input: { prefix: "far " },
          placement: { node: there },
        },
        { actor: "here", behaviour: "./relay.ts#relay", grants },
        { actor: "there", behaviour: "./relay.ts#relay", grants, placement: { node: "b" }, ...more },
      ]),
    );
    return await first.json("apply", file, "--yes");
  };

  it("joins with what `cell0 node add` wrote, and holds no issuer's key and no operator's", async () => {
    expect(existsSync(second.dir.nodeCreds)).toBe(true);
    for (const path of [
      second.dir.genesisKey,
      second.dir.issuerKey,
      second.dir.brokerAuthority,
      second.dir.operatorCreds,
    ])
      expect(existsSync(path), path).toBe(false);
    expect(await first.kernel.nodes()).toEqual([
      expect.objectContaining({ node: "a", answers: true, shards: [{ first: 0, last: 127 }] }),
      expect.objectContaining({ node: "b", answers: true, shards: [{ first: 128, last: 255 }] }),
    ]);
  });

  it("says who can ask it, when it is asked without the operator's identity", async () => {
    expect(await second.cli("get", "tree")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^CLI_NEEDS_LOCAL_CELL: .*--creds/),
    });
    const { code, stdout } = await second.cli("--creds", first.dir.operatorCreds, "get", "nodes");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a +yes +0-127 .*\nb +yes +128-255 /m);
  });

  it("hosts the actors that are placed on it, and a client finds them without knowing of nodes", async () => {
    expect(await apply("b")).toMatchObject({ applied: true, unsatisfied: [] });
    expect(await say("live/near")).toEqual({ text: "near x", count: 1 });
    // An apply has ended when the other node runs its part.
    expect(await say("live/far")).toEqual({ text: "far x", count: 1 });
    const far = await first.kernel.actor("b", "live/far");
    expect(far).toMatchObject({ node: "b", status: "running" });
    expect(far.shard).toBeGreaterThanOrEqual(128);
    await expect(first.kernel.actor("a", "live/far")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
  });

  it("is drawn beside the first one in `get tree`", async () => {
    const { code, stdout } = await first.cli("get", "tree");
    expect(code).toBe(0);
    for (const name of ["near", "far"]) expect(stdout).toMatch(new RegExp(`${name} +running`));
    expect(stdout.match(/broker-link/g)).toHaveLength(2);
  });

  it("sends to actors of the first one and hears from them, under the same grants", async () => {
    expect(await relay("live/here", "live/far")).toEqual({ heard: "far psst" });
    expect(await relay("live/there", "live/near")).toEqual({ heard: "near psst" });
    for (const [from, to] of [
      ["live/here", "live/there"],
      ["live/there", "live/here"],
    ] as const) {
      await expect(relay(from, to)).rejects.toMatchObject({
        code: "ACTOR_REFUSED",
        message: expect.stringContaining("AUTHORITY_INTENT_FORBIDDEN"),
      });
    }
  });

  it("answers for what it does not know with the first one's word", async () => {
    await expect(first.client.request("live/nobody", "say", { text: "x" })).rejects.toMatchObject({
      code: "ACTOR_NOT_FOUND",
    });
  });

  it("gives an actor back that a manifest places elsewhere", async () => {
    expect(await apply("a")).toMatchObject({
      applied: true,
      changes: [{ path: "live/far", kind: "moved", restarts: true }],
    });
    await vi.waitFor(async () => expect(await say("live/far")).toMatchObject({ text: "far x" }), {
      timeout: 10_000,
    });
    expect(await first.kernel.actor("a", "live/far")).toMatchObject({ node: "a", status: "running" });
    await vi.waitFor(
      () => expect(first.kernel.actor("b", "live/far")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" }),
      {
        timeout: 5_000,
      },
    );
  });

  it("is shown as not answering when it is gone, and what it hosts is a difference from the manifest", async () => {
    await second.stop();
    await expect(relay("live/there", "live/near")).rejects.toMatchObject({
      code: expect.stringMatching(
        /ACTOR_DEADLINE_EXCEEDED|BROKER_NO_RESPONDERS|CELL_NOT_ACCEPTING|ACTOR_NOT_RUNNING/,
      ),
    });
    expect(await first.kernel.nodes()).toMatchObject([
      { node: "a", answers: true },
      { node: "b", answers: false },
    ]);
    expect((await first.cli("diff", workspace.path("graph.yaml"))).code).toBe(1);
  });

  it("takes up what it hosted when it is back", async () => {
    second = await startSecond();
    await vi.waitFor(
      async () => expect(await relay("live/there", "live/near")).toEqual({ heard: "near psst" }),
      {
        timeout: 10_000,
      },
    );
    await vi.waitFor(async () => expect((await first.kernel.graph()).unsatisfied).toEqual([]), {
      timeout: 3_000,
    });
    expect((await first.cli("diff", workspace.path("graph.yaml"))).code).toBe(0);
  });
});
