// Tokens are revoked at the node that owns shard 0, and count no more at another.
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a token that is used at another node", () => {
  let first: LiveCell;
  let second: LiveCell;
  let workspace: Workspace;
  let directory: string;
  const path = (name: string) => workspace.path(name);
  const startSecond = (...up: readonly string[]) =>
    startCell({ directory, up, operator: first.dir.operatorCreds });

  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    const far = { actor: "far", behaviour: "./parrot.ts#parrot", placement: { node: "b" } };
    const file = await workspace.write("live.yaml", manifest("live", [far]));
    first = await startCell();
    await first.json("node", "add", "b", "--shards", "128-255", "--out", path("b.creds"));
    second = await startSecond("--join", path("b.creds"));
    await first.json("apply", file, "--yes");
    for (const name of ["ann", "bob"])
      await first.json("client", "add", name, "--manifest-grants", "--out", path(`${name}.creds`));
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const mint = (out: string, ...more: readonly string[]) =>
    first.json("cap", "mint", "--holder", "ann", "--target", "live/far", "--out", path(out), ...more);
  /** What comes of an intent under it: "answered", or the code. */
  const say = async (as: string, cap: string): Promise<string | undefined> => {
    const creds = ["--creds", path(`${as}.creds`), "--timeout", "2s"];
    const { code, stderr } = await first.cli(
      ...[...creds, "send", "live/far", "say", '{"text":"x"}', "--cap", path(cap)],
    );
    return code === 0 ? "answered" : stderr.split(":", 1)[0];
  };
  const hashOf = async (cap: string): Promise<string> => {
    const { stdout } = await first.cli("--json", "cap", "show", path(cap));
    return JSON.parse(stdout).links.at(-1).hash;
  };

  it("counts no more once it is revoked, nor does what was narrowed from it; others go on", async () => {
    await mint("ann.cap", "--depth", "1");
    await mint("other.cap");
    const key = (await first.cli("--creds", path("bob.creds"), "cap", "key")).stdout.trim();
    const handOn = ["cap", "attenuate", path("ann.cap"), "--holder", key, "--out", path("bob.cap")];
    await first.json("--creds", path("ann.creds"), ...handOn);
    expect([await say("ann", "ann.cap"), await say("bob", "bob.cap")]).toEqual(["answered", "answered"]);
    const { code, stdout } = await first.cli("cap", "revoke", path("ann.cap"), "--yes");
    const hash = await hashOf("ann.cap");
    expect([code, stdout]).toEqual([0, `Token ${hash} is revoked, and whatever was narrowed from it.\n`]);
    await vi.waitFor(async () => expect(await say("ann", "ann.cap")).toBe("CAPABILITY_REVOKED"));
    expect(await say("bob", "bob.cap")).toBe("CAPABILITY_REVOKED");
    expect(await say("ann", "other.cap")).toBe("answered");
    const shown = await first.cli("cap", "show", path("bob.cap"));
    expect([shown.code, shown.stdout]).toEqual([1, expect.stringContaining("CAPABILITY_REVOKED")]);
  });

  it("is revoked by its hash alone, as events name it", async () => {
    await mint("named.cap");
    const hash = await hashOf("named.cap");
    expect(await first.json("cap", "revoke", hash)).toMatchObject({ hash, already: false });
    expect(await first.json("cap", "revoke", hash)).toMatchObject({ hash, already: true });
    await vi.waitFor(async () => expect(await say("ann", "named.cap")).toBe("CAPABILITY_REVOKED"));
  });

  it("counts no more when the epoch of its scope is raised; a new one of the scope does", async () => {
    await mint("old.cap", "--scope", "shop");
    expect(await say("ann", "old.cap")).toBe("answered");
    expect(await first.json("cap", "revoke", "--scope", "shop")).toMatchObject({ scope: "shop" });
    await vi.waitFor(async () => expect(await say("ann", "old.cap")).toBe("CAPABILITY_EPOCH_STALE"));
    await mint("new.cap", "--scope", "shop");
    expect(await say("ann", "new.cap")).toBe("answered");
  });

  it("is listed with the epochs of scopes", async () => {
    const { stdout } = await first.cli("cap", "list");
    expect(stdout).toMatch(/^MINTED +HOLDER/);
    expect(stdout).toMatch(/\n\nSCOPE +EPOCH\nshop +\d+\n\nREVOKED TOKEN +SCOPE +ENDS BY ITSELF \(UTC\)\n/);
    expect(stdout).toMatch(new RegExp(`^${await hashOf("ann.cap")} +ann .* revoked$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${await hashOf("ann.cap")} +default +[-0-9]+ [:0-9]+$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${await hashOf("named.cap")} +- +not known$`, "m"));
  });

  it("is told in the events of both nodes, with who revoked it", async () => {
    for (const node of ["a", "b"]) {
      const events = await first.kernel.events(node, { kinds: ["revocationsChanged"] });
      expect(events.length, node).toBeGreaterThanOrEqual(node === "a" ? 3 : 1);
    }
    const { stdout } = await first.cli("logs", "--kind", "revocationsChanged");
    expect(stdout).toMatch(/revoked by operator: what scope shop had before epoch \d+/);
  });

  it("stays revoked when both nodes die, and when the other one starts from nothing", async () => {
    await Promise.all([first.kill("node"), second.kill("node")]);
    await vi.waitFor(async () => expect(await say("ann", "other.cap")).toBe("answered"), { timeout: 10_000 });
    expect(await say("ann", "ann.cap")).toBe("CAPABILITY_REVOKED");
    await second.stop();
    await rm(second.dir.revocations, { recursive: true });
    second = await startSecond();
    await vi.waitFor(async () => expect(await say("ann", "other.cap")).toBe("answered"), { timeout: 10_000 });
    expect(await say("bob", "bob.cap")).toBe("CAPABILITY_REVOKED");
    expect(await say("ann", "old.cap")).toBe("CAPABILITY_EPOCH_STALE");
  });

  it("is refused by a client who may not revoke", async () => {
    const { stderr } = await first.cli(
      "--creds",
      path("ann.creds"),
      "cap",
      "revoke",
      path("other.cap"),
      "--yes",
    );
    expect(stderr).toMatch(/^AUTHORITY_INTENT_FORBIDDEN/);
    expect(await say("ann", "other.cap")).toBe("answered");
  });

  it.each([
    [["cap", "revoke"], 2, /^CLI_USAGE: give one of: a token's file or hash, --scope NAME/],
    [["cap", "revoke", "FILE", "--scope", "shop"], 2, /^CLI_USAGE: give one of: a token's file or hash/],
    [["cap", "revoke", "FILE", "--link", "4"], 2, /^CLI_USAGE: its links are 0 to 0/],
    [["cap", "revoke", "--scope", "No Scope"], 2, /^CLI_USAGE: a scope is/],
  ])("asked for wrongly: %j", async (argv, exit, message) => {
    const { code, stderr } = await first.cli(
      ...argv.map((each) => (each === "FILE" ? path("other.cap") : each)),
      "--yes",
    );
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
  });
});
