// What a manifest grants is a capability: listed, revoked at once at every node, and counting again only
// where that is asked for.
import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connect, readCapability } from "../../src/client.ts";
import { type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("what a manifest grants to actors", () => {
  let first: LiveCell;
  let second: LiveCell;
  let workspace: Workspace;
  let directory: string;
  let file: string;

  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    const grants = (target: string) => ({ grants: [{ intents: ["say"], targets: [target] }] });
    const [near, far] = [{}, { placement: { node: "b" } }];
    file = await workspace.write(
      "live.yaml",
      manifest("live", [
        { actor: "near", behaviour: "./parrot.ts#parrot", ...near },
        { actor: "far", behaviour: "./parrot.ts#parrot", ...far },
        { actor: "here", behaviour: "./relay.ts#relay", ...near, ...grants("live/*") },
        { actor: "there", behaviour: "./relay.ts#relay", ...far, ...grants("live/near") },
      ]),
    );
    first = await startCell();
    await first.json("node", "add", "b", "--shards", "128-255", "--out", workspace.path("b.creds"));
    second = await startCell({
      ...{ directory, up: ["--join", workspace.path("b.creds")], operator: first.dir.operatorCreds },
    });
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  /** What comes of an intent that an actor sends to another: "answered", or the code that it hears. */
  const asked = async (from: string, to: string): Promise<string> => {
    try {
      await first.client.request(`live/${from}`, "relay", { target: `live/${to}`, text: "psst" });
      return "answered";
    } catch (error) {
      return /[A-Z]+(?:_[A-Z]+)+/.exec((error as Error).message)?.[0] ?? String(error);
    }
  };
  const everyWay = async () => [
    await asked("here", "far"),
    await asked("here", "near"),
    await asked("there", "near"),
  ];
  const comesTo = (outcomes: readonly string[]) =>
    vi.waitFor(async () => expect(await everyWay()).toEqual(outcomes), { timeout: 10_000 });

  it("is shown before it is granted, and listed with a name", async () => {
    const planned = await first.cli("plan", file);
    expect(planned.stdout).toMatch(/\+ live\/here\n {4}grants: "say to live\/\*" \(new\)/);
    await first.json("apply", file, "--yes");
    await comesTo(["answered", "answered", "answered"]);
    const { stdout } = await first.cli("cap", "list");
    expect(stdout).toMatch(/^GRANTED +HOLDER +MAY SEND +SCOPE/);
    expect(stdout).toMatch(/^[0-9a-f]{64} +live\/here +say to live\/\* +live +counts$/m);
    expect(stdout).toMatch(/^[0-9a-f]{64} +live\/there +say to live\/near +live +counts$/m);
  });

  it("is revoked at both nodes, and what others are granted is not", async () => {
    const { code, stdout } = await first.cli("cap", "revoke", "--actor", "live/here", "--yes");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^What manifests grant to live\/here counts no more/),
    ]);
    await comesTo(["CAPABILITY_REVOKED", "CAPABILITY_REVOKED", "answered"]);
    const listed = await first.cli("cap", "list");
    expect(listed.stdout).toMatch(/^[0-9a-f]{64} +live\/here .* revoked$/m);
    expect(await first.json("cap", "revoke", "--actor", "live/here", "--yes")).toMatchObject({
      already: true,
    });
    const nobody = await first.cli("cap", "revoke", "--actor", "live/nobody", "--yes");
    expect(nobody.stderr).toMatch(/^ACTOR_NOT_FOUND: .*no manifest in force has it/);
  });

  it("stays revoked when the manifest is applied again, changed, deleted and applied, and when the node was killed", async () => {
    const again = await first.cli("apply", file, "--yes");
    expect(again.stdout).toMatch(/! live\/here .*cap regrant --actor live\/here.*\nNothing to change/);
    expect(await first.cli("diff", file)).toMatchObject({ code: 1 });
    const wider = (await readFile(file, "utf8")).replace('"live/*"', '"live/**"');
    await first.json("apply", await workspace.write("wider.yaml", wider), "--yes");
    await first.json("delete", "live", "--yes");
    await first.json("apply", file, "--yes");
    await first.kill("node");
    await comesTo(["CAPABILITY_REVOKED", "CAPABILITY_REVOKED", "answered"]);
  });

  it("counts again once it is granted again", async () => {
    expect(await first.json("cap", "regrant", "--actor", "live/here", "--yes")).toMatchObject({ holders: 1 });
    await comesTo(["answered", "answered", "answered"]);
    expect(await first.json("cap", "regrant", "--actor", "live/here", "--yes")).toMatchObject({ holders: 0 });
    expect(await first.cli("diff", file)).toMatchObject({ code: 0 });
  });

  it("is all taken back with the epoch of its graph, and granted again in the next one", async () => {
    const { stdout } = await first.cli("cap", "revoke", "--scope", "live", "--yes");
    expect(stdout).toMatch(
      /\nWhat the graph live grants to 2 holders counts no more: cell0 cap regrant --graph live\n$/,
    );
    const stale = "CAPABILITY_EPOCH_STALE";
    await comesTo([stale, stale, stale]);
    await first.json("cap", "regrant", "--graph", "live", "--yes");
    await comesTo(["answered", "answered", "answered"]);
  });

  it("serves as many as a token says that is used at both nodes at once", async () => {
    const [creds, cap] = [workspace.path("ann.creds"), workspace.path("ann.cap")];
    await first.json("client", "add", "ann", "--manifest-grants", "--out", creds);
    await first.json("cap", "mint", "--holder", "ann", "--target", "live/*", "--calls", "12", "--out", cap);
    const client = await connect({ identity: creds });
    try {
      const capability = await readCapability(cap);
      const say = (n: number) =>
        client
          .request(
            n % 2 === 0 ? "live/near" : "live/far",
            "say",
            { text: "x" },
            { capability, timeoutMs: 20_000 },
          )
          .then(
            () => "answered",
            (error: Error & { code?: string }) => error.code ?? String(error),
          );
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => say(n)));
      expect(outcomes.filter((each) => each === "answered")).toHaveLength(12);
      expect(outcomes.filter((each) => each === "CAPABILITY_SPENT")).toHaveLength(8);
    } finally {
      await client.close();
    }
  });
});
