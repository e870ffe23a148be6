// Keys of a live cell of two nodes are rotated while clients send without a pause: nothing is refused,
// nothing is lost, and afterwards the keys before are refused with their code.
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CellClient, connect } from "../../src/client.ts";
import { type ParsedIdentity, parseCreds } from "../../src/security/identity/creds-file.ts";
import { cell0, type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { type Load, startLoad } from "./load.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const TARGETS = ["live/near", "live/far"] as const;

describe("keys that are rotated under load", () => {
  let first: LiveCell;
  let second: LiveCell;
  let workspace: Workspace;
  let directory: string;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    first = await startCell();
    const file = workspace.path("b.creds");
    await first.json("node", "add", "b", "--shards", "128-255", "--out", file);
    second = await startCell({ directory, up: ["--join", file], operator: first.dir.operatorCreds });
    const parrot = { behaviour: "./parrot.ts#parrot" };
    const graph = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "near", ...parrot },
        { actor: "far", ...parrot, placement: { node: "b" } },
      ]),
    );
    await first.json("apply", graph, "--yes");
    await first.json("client", "add", "shop", "--target", "live/*", "--out", shopFile());
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });
  const shopFile = () => workspace.path("shop.creds");
  const identityIn = async (file: string): Promise<ParsedIdentity> => {
    const read = parseCreds(await readFile(file, "utf8"));
    if (!read.ok) throw read.error;
    return read.value;
  };
  const say = async (client: CellClient, target: string) =>
    await client.request(target, "say", { text: "x" }, { timeoutMs: 5_000 });

  /** Each client sends to an actor of each node, before, during and after. */
  const underLoad = async (clients: readonly CellClient[], work: () => Promise<void>) => {
    const loads: Load[] = clients.flatMap((client) => TARGETS.map((target) => startLoad(client, target, 2)));
    try {
      await Promise.all(loads.map((load) => load.more(20)));
      await work();
      await Promise.all(loads.map((load) => load.more(20)));
    } finally {
      for (const load of loads) {
        const { failures, answered } = await load.stop();
        expect(failures).toEqual([]);
        expect(answered).toBeGreaterThan(40);
      }
    }
  };

  it("a client's: the old file and the new one both work, and with `--remove` the old one is refused", async () => {
    const before = await connect({ identity: shopFile() });
    const opened: CellClient[] = [before];
    try {
      await underLoad([before], async () => {
        const rotated = await first.json("keys", "rotate", "client", "shop", "--file", shopFile());
        expect(rotated).toMatchObject({ principal: "shop", generation: 2, file: shopFile() });
        const after = await connect({ identity: shopFile() });
        opened.push(after);
        await underLoad([after], async () => {});
        expect((await identityIn(shopFile())).certificate.generation).toBe(2);
        expect((await identityIn(`${shopFile()}.old`)).certificate.generation).toBe(1);
      });
      const again = await first.cli("keys", "rotate", "client", "shop", "--file", shopFile());
      expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("CLI_ROTATION_PENDING") });
      expect(await first.json("client", "show", "shop")).toMatchObject({
        generation: 2,
        follows: { preserveUntilUnixMs: expect.any(Number) },
      });
      const [, after] = opened;
      if (after === undefined) throw new Error("not connected");
      await underLoad([after], async () => {
        const removed = await first.json(
          "keys",
          "rotate",
          "client",
          "shop",
          "--file",
          shopFile(),
          "--remove",
        );
        expect(removed).toMatchObject({ generation: 3, removed: true });
      });
      for (const target of TARGETS)
        await expect(say(before, target)).rejects.toMatchObject({ code: "AUTHORITY_ISSUER_UNKNOWN" });
      expect(existsSync(`${shopFile()}.old`)).toBe(false);
    } finally {
      for (const client of opened) await client.close();
    }
  });

  it("the operator's, with its own file", async () => {
    await underLoad([first.client], async () => {
      const rotated = await first.json("keys", "rotate", "operator");
      expect(rotated).toMatchObject({ principal: "operator", generation: 2 });
      const { code } = await cell0(["--creds", `${first.dir.operatorCreds}.old`, "get", "nodes"]);
      expect(code).toBe(0);
      expect(await first.json("get", "nodes")).toHaveLength(2);
    });
  });
});
