import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cell0, type LiveCell, lastJson, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("keys and backups", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  /** For what is restored. */
  let directory: string;
  beforeAll(async () => {
    directory = await makeDirectory();
    workspace = await makeWorkspace();
    const parrot = {
      actor: "parrot",
      behaviour: "./parrot.ts#parrot",
      input: { prefix: { $secret: "prefix" } },
    };
    const file = await workspace.write("graph.yaml", manifest("live", [parrot]));
    cell = await startCell();
    await cell0(["--data-dir", cell.dir.root, "secret", "set", "prefix"], { input: "hush \n" });
    await cell.json("apply", file);
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });
  const say = async (from: LiveCell) =>
    (await from.client.request("live/parrot", "say", { text: "x" })).value;

  it("gives a secret to the actor that the manifest names it for, and to no listing", async () => {
    expect(await say(cell)).toMatchObject({ text: "hush x" });
    for (const args of [
      ["get", "actor", "live/parrot"],
      ["secret", "list"],
      ["logs"],
      ["get", "revisions"],
    ]) {
      const { stdout, stderr } = await cell.cli("--json", ...args);
      expect(stdout + stderr, args.join(" ")).not.toContain("hush");
    }
    expect(await readFile(join(cell.dir.revisions, "1.rev"))).not.toContain("hush");
  });

  it("takes the genesis key offline: the cell runs on, and clients can still be added", async () => {
    const file = workspace.path("genesis.key");
    const exported = await cell.json("keys", "genesis", "--export", file);
    expect(exported).toMatchObject({ cell: "local", file, removed: cell.dir.genesisKey });
    expect(existsSync(cell.dir.genesisKey)).toBe(false);
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe("600");
    await cell.json(
      "client",
      "add",
      "late",
      "--target",
      "live/parrot",
      "--out",
      workspace.path("late.creds"),
    );
    const { code } = await cell0([
      "--creds",
      workspace.path("late.creds"),
      "send",
      "live/parrot",
      "say",
      '{"text":"x"}',
    ]);
    expect(code).toBe(0);
    const again = await cell.cli("keys", "genesis", "--export", workspace.path("other.key"));
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("CELL_KEY_DAMAGED") });
    await cell.json("keys", "genesis", "--import", file);
    expect(existsSync(cell.dir.genesisKey)).toBe(true);
  });

  it("backs a running cell up, and restores it into a new directory where it runs what it ran", async () => {
    const file = workspace.path("cell.tar.gz");
    const made = await cell.json("backup", file);
    expect(made).toMatchObject({ cell: "local", node: "a", revisions: 1, secrets: 1 });
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe("600");
    await cell.stop();

    const root = join(directory, "cell");
    const restored = await cell0(["--data-dir", root, "--json", "restore", file]);
    expect(restored).toMatchObject({ code: 0 });
    expect(lastJson(restored.stdout)).toMatchObject({ cell: "local", revisions: 1 });
    const onto = await cell0(["--data-dir", root, "restore", file]);
    expect(onto).toMatchObject({ stderr: expect.stringContaining("CLI_FILE_EXISTS") });

    cell = await startCell({ directory });
    expect(await say(cell)).toMatchObject({ text: "hush x" });
    expect(await cell.kernel.revisions()).toMatchObject([{ revision: 1, current: true }]);
    // The late client's certificate came along.
    const { code } = await cell0([
      "--creds",
      workspace.path("late.creds"),
      "send",
      "live/parrot",
      "say",
      '{"text":"x"}',
    ]);
    expect(code).toBe(0);
  });

  it("refuses a backup that was tampered with, and puts nothing in place", async () => {
    const damaged = workspace.path("damaged.tar.gz");
    const bytes = await readFile(workspace.path("cell.tar.gz"));
    await writeFile(damaged, bytes.subarray(0, bytes.length - 200));
    const root = workspace.path("restored");
    const outcome = await cell0(["--data-dir", root, "restore", damaged]);
    expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining("CLI_BACKUP_INVALID") });
    expect(existsSync(root)).toBe(false);
  });

  it("finds a broker that lost everything, and gives back revisions and certificates", async () => {
    await cell.stop();
    await rm(join(cell.dir.brokerDirectory, "jetstream"), { recursive: true });
    cell = await startCell({ directory });
    await vi.waitFor(async () => expect(await say(cell)).toMatchObject({ text: "hush x" }), {
      timeout: 10_000,
    });
    const { code } = await cell0([
      "--creds",
      workspace.path("late.creds"),
      "send",
      "live/parrot",
      "say",
      '{"text":"x"}',
    ]);
    expect(code).toBe(0);
  });
});
