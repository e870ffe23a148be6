// Keys of a live cell of two nodes are rotated while clients send without a pause: nothing is refused,
// nothing is lost, and afterwards the keys before are refused with their code.
import { existsSync } from "node:fs";
import { copyFile, readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CellClient, connect, readCapability } from "../../src/client.ts";
import { type ParsedIdentity, parseCreds } from "../../src/security/identity/creds-file.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { issueCertificate } from "../../src/security/trust/certificate.ts";
import { cell0, type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { type Load, type LoadOf, SAY, startLoad } from "./load.ts";
import { openRawClient } from "./raw-client.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const TARGETS = ["live/near", "live/far"] as const;

const relayTo = (target: string): LoadOf => ({
  intent: "relay",
  payload: (text) => ({ target, text }),
  answer: (value) => String((value as { heard?: unknown }).heard).trim(),
});

/** Code with which an intent signed by the key of a file is refused. */
async function refusalOf(file: string): Promise<string | undefined> {
  const raw = await openRawClient(file);
  try {
    const inbox = raw.inbox();
    const envelope = raw.seal(raw.capsule({ target: "live/far", replyInbox: inbox }));
    const [reply] = await raw.exchange(raw.subject("live/far"), envelope, inbox);
    return reply?.error?.code;
  } finally {
    await raw.close();
  }
}

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
        { actor: "kept", behaviour: "./ledger.ts#ledger", durable: true },
        { actor: "far", ...parrot, placement: { node: "b" } },
        {
          actor: "to-far",
          behaviour: "./relay.ts#relay",
          grants: [{ intents: ["say"], targets: ["live/far"] }],
        },
        {
          actor: "to-near",
          behaviour: "./relay.ts#relay",
          grants: [{ intents: ["say"], targets: ["live/near"] }],
          placement: { node: "b" },
        },
      ]),
    );
    await first.json("apply", graph, "--yes");
    // So that the authority has something to say.
    await first.json("cap", "revoke", "--scope", "other", "--yes");
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
  const underLoad = async (
    clients: readonly CellClient[],
    work: () => Promise<void>,
    more: readonly (() => Load)[] = [],
  ) => {
    const loads: Load[] = clients.flatMap((client) => [
      ...TARGETS.map((target) => startLoad(client, target, 2)),
      // What an actor sends its node signs.
      startLoad(client, "live/to-far", 2, relayTo("live/far")),
      startLoad(client, "live/to-near", 2, relayTo("live/near")),
    ]);
    loads.push(...more.map((start) => start()));
    const before = await refused();
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
    // Nor was anything refused that a client then sent again.
    expect(await refused()).toEqual(before);
  };
  /** By node and code; a client that is tried with its next key may not ask for a node's status, and need not. */
  const refused = async () =>
    await Promise.all(
      ["a", "b"].map(async (node) => {
        const { AUTHORITY_INTENT_FORBIDDEN: _, ...rest } = (await first.kernel.status(node)).refusals;
        return rest;
      }),
    );

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
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("CLI_ROTATION_PENDING") });
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

  it("a client's with a token in its file, which is minted anew for the next key", async () => {
    const file = workspace.path("token.creds");
    const asked = ["--token", "--target", "live/near", "--intent", "say", "--where", "/text = x"];
    await first.json("client", "add", "token", ...asked, "--out", file);
    const send = async (text: string) =>
      (await cell0(["--creds", file, "send", "live/near", "say", JSON.stringify({ text })])).stderr;
    expect(await send("x")).toBe("");
    await first.json("keys", "rotate", "client", "token", "--file", file);
    expect(await send("x")).toBe("");
    await first.json("keys", "rotate", "client", "token", "--file", file, "--remove");
    expect(await send("x")).toBe("");
    expect(await send("y")).toMatch(/^CAPABILITY_ARGUMENT_FORBIDDEN/);
    await first.json("cap", "revoke", "--scope", "token", "--yes");
    expect(await send("x")).toMatch(/^CAPABILITY_EPOCH_STALE/);
  });

  it("a client's with a token for the kernel in its file, whose kind is kept", async () => {
    const file = workspace.path("kernel-token.creds");
    const asked = ["--token", "--target", "kernel/a/telemetry", "--intent", "events.read"];
    await first.json("client", "add", "keeper", ...asked, "--out", file);
    const read = async () =>
      (await cell0(["--creds", file, "send", "kernel/a/telemetry", "events.read", "{}"])).stderr;
    expect(await read()).toBe("");
    await first.json("keys", "rotate", "client", "keeper", "--file", file);
    await first.json("keys", "rotate", "client", "keeper", "--file", file, "--remove");
    expect(await read()).toBe("");
    const { minted } = (await first.json("cap", "list")) as { readonly minted: readonly object[] };
    expect(minted.filter((each) => "client" in each && each.client === "keeper").at(-1)).toMatchObject({
      kind: "system",
    });
  });

  it.each(["a", "b"])("node %s's, while it answers and its actors send", async (name) => {
    const credsOf = name === "a" ? first.dir.nodeCreds : second.dir.nodeCreds;
    const old = workspace.path(`${name}-before.creds`);
    await copyFile(credsOf, old);
    const token = workspace.path(`${name}.cap`);
    const minted = ["--holder", "shop", "--target", "live/*", "--intent", "say", "--out", token] as const;
    await first.json("cap", "mint", ...minted);
    const withToken = () =>
      cell0(["--creds", shopFile(), "send", "live/far", "say", '{"text":"x"}', "--cap", token]);
    const shop = await connect({ identity: shopFile() });
    await first.client.request("live/kept", "enter", { entry: name === "a" ? 1 : 2 });
    const newest = async () =>
      (await first.kernel.revisions()).toSorted((a, b) => b.revision - a.revision)[0];
    const revision = await newest();
    const capability = await readCapability(token);
    // Tokens count where the authority is heard, which speaks with the node's key.
    const byToken = TARGETS.map((target) => () => startLoad(shop, target, 2, { ...SAY, capability }));
    try {
      await underLoad(
        [first.client, shop],
        async () => {
          const rotated = await first.json("keys", "rotate", "node", name);
          expect(rotated).toMatchObject({ principal: name, generation: 2 });
          await underLoad([shop], async () => {});
          expect(await withToken()).toMatchObject({ code: 0 });
          const removed = await first.json("keys", "rotate", "node", name, "--remove");
          expect(removed).toMatchObject({ generation: 3, removed: true });
        },
        byToken,
      );
    } finally {
      await shop.close();
    }
    expect((await identityIn(credsOf)).certificate.generation).toBe(2);
    expect(existsSync(`${credsOf}.old`)).toBe(false);
    // The graph is a's to sign: it is signed anew, so that who joins can read it.
    const signedAnew = { revision: (revision?.revision ?? 0) + 1, author: "a" };
    expect(await newest()).toMatchObject(name === "a" ? signedAnew : { revision: revision?.revision });
    // What it minted before is good still.
    expect(await withToken()).toMatchObject({ code: 0 });
    expect(await refusalOf(old)).toBe("AUTHORITY_ISSUER_UNKNOWN");
  });

  it("the issuer's, with which everybody is certified anew under the key that they have", async () => {
    const taken = workspace.path("genesis.key");
    await first.json("keys", "genesis", "--export", taken);
    const without = await first.cli("keys", "rotate", "issuer");
    expect(without).toMatchObject({ code: 2, stderr: expect.stringMatching(/CELL_KEY_DAMAGED.*--import/s) });
    await first.json("keys", "genesis", "--import", taken);
    await first.json("client", "add", "gone", "--target", "live/*", "--out", workspace.path("gone.creds"));
    await first.json("client", "revoke", "gone", "--yes");
    const before = new Map((await first.kernel.principals("b")).map((row) => [row.principal, row]));
    const oldKey = SigningKey.fromSeed(await readFile(first.dir.issuerKey));
    const shop = await connect({ identity: shopFile() });
    try {
      await underLoad([first.client, shop], async () => {
        const rotated = await first.json("keys", "rotate", "issuer");
        expect(rotated).toMatchObject({ principal: "issuer", generation: 2, renewed: 7, left: [] });
        await first.json(
          "client",
          "add",
          "late",
          "--target",
          "live/*",
          "--out",
          workspace.path("late.creds"),
        );
        await underLoad([shop], async () => {});
        const removed = await first.json("keys", "rotate", "issuer", "--remove");
        expect(removed).toMatchObject({ generation: 3, removed: true });
      });
    } finally {
      await shop.close();
    }
    const after = await first.kernel.principals("b");
    for (const { principal, generation, keyFingerprint, revoked } of after) {
      const was = before.get(principal);
      if (was === undefined || principal === "issuer") continue;
      expect({ principal, keyFingerprint, revoked }).toEqual({
        principal,
        keyFingerprint: was.keyFingerprint,
        revoked: was.revoked,
      });
      expect(generation).toBeGreaterThan(was.generation);
    }
    expect(after.find(({ principal }) => principal === "gone")).toMatchObject({ revoked: true });
    const late = await connect({ identity: workspace.path("late.creds") });
    expect((await say(late, "live/far")).value).toBeDefined();
    await late.close();
    // The key before certifies nobody any more.
    const { genesis } = await identityIn(shopFile());
    const forged = issueCertificate(
      {
        ...{ principal: "eve", kind: "client", generation: 1, key: oldKey.publicKey, revoked: false },
        ...{
          shards: [],
          grants: [],
          notBeforeUnixMs: Date.now() - 1_000,
          notAfterUnixMs: Date.now() + 60_000,
        },
      },
      oldKey,
      genesis.hash,
    );
    if (!forged.ok) throw forged.error;
    await expect(first.kernel.addCertificate("a", forged.value.bytes)).rejects.toMatchObject({
      code: "AUTHORITY_CHAIN_BROKEN",
    });
  });

  it("the operator's, with its own file", async () => {
    await underLoad([first.client], async () => {
      const rotated = await first.json("keys", "rotate", "operator");
      expect(rotated).toMatchObject({ principal: "operator", file: first.dir.operatorCreds });
      const { code } = await cell0(["--creds", `${first.dir.operatorCreds}.old`, "get", "nodes"]);
      expect(code).toBe(0);
      expect(await first.json("get", "nodes")).toHaveLength(2);
    });
  });

  it("nodes start again with their keys, and read what the ones before had signed", async () => {
    await first.client.request("live/kept", "enter", { entry: 3 });
    await first.kernel.rebuild("a");
    await second.stop();
    second = await startCell({ directory, operator: first.dir.operatorCreds });
    await vi.waitFor(async () => expect((await say(first.client, "live/far")).value).toBeDefined(), {
      timeout: 20_000,
    });
    const { value } = await first.client.request("live/kept", "read", {});
    expect(value).toEqual({ entries: [1, 2, 3] });
    await first.kill("node");
    await vi.waitFor(
      async () =>
        expect((await first.client.request("live/kept", "read", {})).value).toEqual({ entries: [1, 2, 3] }),
      { timeout: 30_000 },
    );
    expect(await first.json("cap", "list")).toMatchObject({
      minted: [
        // Of the client "token" both were revoked, by the scope of its name.
        ...[true, true].map((revoked) => expect.objectContaining({ scope: "token", revoked })),
        ...[false, false].map((revoked) => expect.objectContaining({ scope: "keeper", revoked })),
        ...[false, false].map((revoked) => expect.objectContaining({ scope: "default", revoked })),
      ],
    });
  });
});

describe("a node with a spare", () => {
  it("goes on with the next key when the process that took it is killed", async () => {
    const workspace = await makeWorkspace();
    const graph = await workspace.write(
      "graph.yaml",
      manifest("live", [{ actor: "near", behaviour: "./parrot.ts#parrot" }]),
    );
    const cell = await startCell({ spare: true, up: [graph] });
    try {
      await vi.waitFor(() => cell.pid("node-spare"), { timeout: 20_000 });
      const load = startLoad(cell.client, "live/near", 2);
      await load.more(10);
      await cell.json("keys", "rotate", "node");
      await cell.kill("node");
      await load.more(10);
      const { keyFingerprint } = (await cell.json("keys", "rotate", "node", "--remove")) as {
        keyFingerprint?: unknown;
      };
      await load.more(10);
      expect(await load.stop()).toMatchObject({ failures: [] });
      expect(await cell.kernel.principals("a")).toContainEqual(
        expect.objectContaining({ principal: "a", generation: 3, keyFingerprint }),
      );
    } finally {
      await cell.stop();
      await workspace.remove();
    }
  });
});
