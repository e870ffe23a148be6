import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";
import { describe, expect, it } from "vitest";
import { openSecrets } from "../../src/security/secrets.ts";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

const backup = (cell: MadeCell, file = "cell.tar.gz") =>
  run(["--data-dir", "data", "backup", file], { cwd: cell.parent });
const restore = (cell: MadeCell, into = "restored", file = "cell.tar.gz") =>
  run(["--data-dir", into, "restore", file], { cwd: cell.parent });
const secretsOf = (cell: MadeCell) =>
  openSecrets({ directory: cell.dir.secrets, keyFile: cell.dir.secretsKey });

/** Packs the directory after something was done to a copy of it. */
async function tampered(cell: MadeCell, change: (copy: string) => Promise<void>): Promise<void> {
  const copy = join(cell.parent, "copy");
  await cp(cell.dir.root, copy, { recursive: true });
  await change(copy);
  await create(
    { file: join(cell.parent, "cell.tar.gz"), gzip: true, cwd: copy, portable: true },
    await readdir(copy),
  );
}

describe("a backup", () => {
  it("brings everything back but broker, sockets, logs and lock, for its owner only", async () => {
    await using cell = await madeCell(3);
    await secretsOf(cell).set("api-key", "s3cret");
    await writeFile(join(cell.dir.coreDirectory, "vote.key"), "x", { mode: 0o600 });
    await writeFile(cell.dir.lock, "{}");
    await writeFile(cell.dir.brokerConfig, "x");
    await writeFile(cell.dir.nodeLog, "x");
    expect((await backup(cell)).exitCode).toBe(0);
    expect((await stat(join(cell.parent, "cell.tar.gz"))).mode & 0o777).toBe(0o600);

    const restored = await restore(cell);
    expect([restored.exitCode, restored.err]).toEqual([0, ""]);
    expect(restored.out).toMatch(/3 certificates, 3 revisions and 1 secret, all checked/);
    const root = join(cell.parent, "restored");
    expect((await readdir(root)).sort()).toEqual([
      "cell.json",
      "core",
      "genesis.bin",
      "keys",
      "node.creds",
      "operator.creds",
      "revisions",
      "revocations",
      "secrets",
      "trust",
    ]);
    for (const name of [
      "genesis.bin",
      "keys/issuer.key",
      "node.creds",
      "trust/a.cert",
      "revisions/3.rev",
      "core/vote.key",
    ]) {
      expect(await readFile(join(root, name))).toEqual(await readFile(join(cell.dir.root, name)));
      expect((await stat(join(root, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(root)).mode & 0o777).toBe(0o700);
    expect(await readdir(cell.parent)).not.toContainEqual(expect.stringContaining(".cell0-"));
  });

  it("is never written over something", async () => {
    await using cell = await madeCell();
    await writeFile(join(cell.parent, "cell.tar.gz"), "precious");
    const { exitCode, err } = await backup(cell);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_FILE_EXISTS: /)]);
    expect(await readFile(join(cell.parent, "cell.tar.gz"), "utf8")).toBe("precious");
  });

  it("is not made of a directory that does not hold together", async () => {
    await using cell = await madeCell();
    await rm(join(cell.dir.trust, "issuer.cert"));
    expect((await backup(cell)).err).toMatch(/^CLI_BACKUP_INVALID: /);
    expect(await readdir(cell.parent)).toEqual(["data"]);
  });
});

describe("a restore", () => {
  it("refuses a directory that holds something", async () => {
    await using cell = await madeCell();
    await backup(cell);
    const { exitCode, err } = await restore(cell, "data");
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(/^CLI_FILE_EXISTS: the data directory holds something/),
    ]);
  });

  it("fills an empty directory", async () => {
    await using cell = await madeCell();
    await backup(cell);
    await mkdir(join(cell.parent, "restored"));
    expect((await restore(cell)).exitCode).toBe(0);
  });

  it("refuses an archive that is cut short", async () => {
    await using cell = await madeCell(2);
    await backup(cell);
    const file = join(cell.parent, "cell.tar.gz");
    const bytes = await readFile(file);
    for (const share of [0, 0.3, 0.7, 0.98]) {
      await writeFile(file, bytes.subarray(0, Math.floor(bytes.length * share)));
      const { exitCode, err } = await restore(cell);
      expect([share, exitCode]).toEqual([share, expect.not.stringMatching("0")]);
      expect(exitCode).toBeGreaterThan(0);
      expect(err).not.toMatch(/CLI_INTERNAL/);
    }
    expect((await readdir(cell.parent)).sort()).toEqual(["cell.tar.gz", "data"]);
  });

  const changed = (name: string) => async (copy: string) => {
    const bytes = await readFile(join(copy, name));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(join(copy, name), bytes);
  };
  it.each<[string, (copy: string) => Promise<void>]>([
    ["a changed certificate", changed("trust/operator.cert")],
    ["a changed revision", changed("revisions/3.rev")],
    ["a changed older revision", changed("revisions/1.rev")],
    ["a changed genesis", changed("genesis.bin")],
    ["another genesis key", changed("keys/genesis.key")],
    ["another issuer's key", changed("keys/issuer.key")],
    ["a changed secret", changed("secrets/api-key.secret")],
    ["a revision that is missing in between", (copy) => rm(join(copy, "revisions/2.rev"))],
    [
      "a certificate under another name",
      (copy) => cp(join(copy, "trust/operator.cert"), join(copy, "trust/other.cert")),
    ],
    [
      "a revision under another number",
      (copy) => cp(join(copy, "revisions/3.rev"), join(copy, "revisions/4.rev")),
    ],
    ["a symbolic link", (copy) => symlink("/etc/passwd", join(copy, "keys/link.key"))],
    ["what no backup holds", (copy) => writeFile(join(copy, "lock"), "{}")],
    ["no cell.json", (copy) => rm(join(copy, "cell.json"))],
  ])("refuses %s and puts nothing in place", async (_what, change) => {
    await using cell = await madeCell(3);
    await secretsOf(cell).set("api-key", "s3cret");
    for (const name of ["run", "log", "broker"])
      await rm(join(cell.dir.root, name), { recursive: true, force: true });
    await tampered(cell, change);
    const { exitCode, err } = await restore(cell);
    expect(err).toMatch(/^(CLI_BACKUP_INVALID|CELL_KEY_DAMAGED|CELL_SECRET_DAMAGED|CELL_NOT_FOUND): /);
    expect(exitCode).toBeGreaterThan(0);
    expect((await readdir(cell.parent)).sort()).toEqual(["cell.tar.gz", "copy", "data"]);
  });
});
