import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

const keys = (cell: MadeCell, ...argv: string[]) =>
  run(["--data-dir", "data", "keys", ...argv], { cwd: cell.parent });
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

describe("the genesis key", () => {
  it("goes offline and comes back the same", async () => {
    await using cell = await madeCell();
    const seed = await readFile(cell.dir.genesisKey);
    const out = await keys(cell, "genesis", "--export", "offline.key");
    expect(out.exitCode).toBe(0);
    expect(out.out).toMatch(/no issuer can be certified/);
    expect((await stat(join(cell.parent, "offline.key"))).mode & 0o777).toBe(0o600);
    expect(await exists(cell.dir.genesisKey)).toBe(false);

    expect((await keys(cell, "genesis", "--import", "offline.key")).exitCode).toBe(0);
    expect(await readFile(cell.dir.genesisKey)).toEqual(seed);
    expect((await stat(cell.dir.genesisKey)).mode & 0o777).toBe(0o600);
  });

  it("stays when something is at the other place already", async () => {
    await using cell = await madeCell();
    await writeFile(join(cell.parent, "offline.key"), "precious");
    expect((await keys(cell, "genesis", "--export", "offline.key")).err).toMatch(/^CLI_FILE_EXISTS/);
    expect(await exists(cell.dir.genesisKey)).toBe(true);
  });

  it("goes on with an export that was interrupted after its copy had been written", async () => {
    await using cell = await madeCell();
    const seed = await readFile(cell.dir.genesisKey);
    await keys(cell, "genesis", "--export", "offline.key");
    await writeFile(cell.dir.genesisKey, seed, { mode: 0o600 });
    expect((await keys(cell, "genesis", "--export", "offline.key")).exitCode).toBe(0);
    expect(await exists(cell.dir.genesisKey)).toBe(false);
  });

  it("is not exported into the directory that it is to leave", async () => {
    await using cell = await madeCell();
    expect((await keys(cell, "genesis", "--export", "data/keys/copy.key")).err).toMatch(/^CLI_USAGE/);
    expect(await exists(cell.dir.genesisKey)).toBe(true);
  });

  it("of another cell is refused", async () => {
    await using cell = await madeCell();
    await using other = await madeCell();
    await keys(other, "genesis", "--export", "offline.key");
    await rm(cell.dir.genesisKey);
    const file = join(other.parent, "offline.key");
    expect((await keys(cell, "genesis", "--import", file)).err).toMatch(
      /^CELL_KEY_DAMAGED: this is not the key/,
    );
    expect(await exists(cell.dir.genesisKey)).toBe(false);
  });

  it("that is gone says how to bring it back", async () => {
    await using cell = await madeCell();
    await rm(cell.dir.genesisKey);
    expect((await keys(cell, "genesis", "--export", "x")).err).toMatch(/--import FILE/);
    expect(await readdir(cell.parent)).toEqual(["data"]);
  });
});

describe("keys", () => {
  it("are listed with what they are for, never with their content", async () => {
    await using cell = await madeCell();
    const { exitCode, out } = await keys(cell, "list", "--json");
    expect(exitCode).toBe(0);
    expect(
      JSON.parse(out).map(
        ({ name, mode, generation }: { name: string; mode: string | null; generation?: number }) => [
          name,
          mode,
          generation,
        ],
      ),
    ).toEqual([
      ["genesis", "600", undefined],
      ["issuer", "600", 1],
      ["broker", "600", undefined],
      ["secrets", null, undefined],
      ["node", "600", 1],
      ["operator", "600", 1],
    ]);
    expect((await keys(cell)).out).toMatch(/^KEY +HERE +GENERATION +FOR/);
  });

  it("have a fingerprint of the cell, the same each time", async () => {
    await using cell = await madeCell();
    const [first, second] = [await keys(cell, "fingerprint"), await keys(cell, "fingerprint")];
    expect(first.out).toMatch(
      /^cell {5}local\ngenesis {2}([0-9a-f]{8} ){7}[0-9a-f]{8}\nkey {6}[0-9a-f]{16}\n$/,
    );
    expect(second.out).toBe(first.out);
  });
});
