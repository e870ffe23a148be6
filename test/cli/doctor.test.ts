import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkClock } from "../../src/cli/doctor-machine.ts";
import { cellConfigSchema } from "../../src/runtime/cell-config.ts";
import { lockDirectory } from "../../src/runtime/lock.ts";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

type Row = { readonly name: string; readonly state: string; readonly what: string; readonly remedy?: string };

async function doctor(cell: MadeCell, directory = "data") {
  const { exitCode, out } = await run(["--data-dir", directory, "doctor", "--json"], { cwd: cell.parent });
  const report: { healthy: boolean; groups: { title: string; checks: Row[] }[] } = JSON.parse(out);
  const rows = report.groups.flatMap(({ checks }) => checks);
  // This machine may lack a core or a broker: that is not what is tested here.
  const cellRows = report.groups.slice(1).flatMap(({ checks }) => checks);
  return {
    exitCode,
    ...report,
    rows,
    find: (name: string) => cellRows.find((row) => row.name === name),
    cellRows,
  };
}

describe("doctor", () => {
  it("works before there is a cell", async () => {
    await using cell = await madeCell();
    const { rows, find } = await doctor(cell, "none");
    expect(rows.map(({ name }) => name)).toEqual([
      "node",
      "core",
      "broker",
      "disk",
      "memory",
      "open files",
      "clock",
      "process",
      ...["user", "network", "privileges", "limits", "memory", "cgroup"].map(
        (name) => `${name} of processes`,
      ),
      "cell",
    ]);
    expect(find("cell")).toMatchObject({ state: "note" });
  });

  it("finds nothing to mend in a cell that was just made and is down", async () => {
    await using cell = await madeCell(2);
    const { cellRows, find } = await doctor(cell);
    expect(cellRows.filter(({ state }) => state === "failed")).toEqual([]);
    expect(find("records")).toMatchObject({
      state: "ok",
      what: expect.stringMatching(/^3 certificates, 2 revisions, 0 secrets/),
    });
    expect(find("processes")).toMatchObject({ state: "note" });
    expect(find("port")).toMatchObject({ state: "ok" });
  });

  it.each<[string, string, (cell: MadeCell) => Promise<void>, RegExp]>([
    [
      "permissions",
      "a key that others can read",
      (cell) => chmod(cell.dir.issuerKey, 0o644),
      /keys\/issuer\.key/,
    ],
    [
      "permissions",
      "a directory that others can enter",
      (cell) => chmod(cell.dir.root, 0o755),
      /others can read \./,
    ],
    ["keys", "a key that is gone", (cell) => rm(cell.dir.issuerKey), /missing: keys\/issuer\.key/],
    [
      "records",
      "a certificate that is gone",
      (cell) => rm(join(cell.dir.trust, "issuer.cert")),
      /does not chain/,
    ],
    ["records", "an identity that is damaged", (cell) => writeFile(cell.dir.nodeCreds, "x"), /./],
    [
      "certificates",
      "the node's certificate gone",
      (cell) => rm(join(cell.dir.trust, "a.cert")),
      /this node's certificate/,
    ],
  ])("fails on %s for %s and says how to mend it", async (name, _what, harm, message) => {
    await using cell = await madeCell(1);
    await harm(cell);
    const { exitCode, healthy, find } = await doctor(cell);
    expect(find(name)).toMatchObject({
      state: "failed",
      what: expect.stringMatching(message),
      remedy: expect.stringMatching(/\w/),
    });
    expect([exitCode, healthy]).toEqual([1, false]);
  });

  it("fails on the port when another program listens there", async () => {
    await using cell = await madeCell();
    const { broker } = cellConfigSchema.parse(JSON.parse(await readFile(cell.dir.cell, "utf8")));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(broker.port, "127.0.0.1", resolve));
    try {
      expect((await doctor(cell)).find("port")).toMatchObject({
        state: "failed",
        remedy: expect.stringMatching(/--port N/),
      });
    } finally {
      server.close();
    }
  });

  it("asks nothing of the cell where there is no operator's identity", async () => {
    await using cell = await madeCell();
    const lock = await lockDirectory(cell.dir, "a");
    await rm(cell.dir.operatorCreds);
    try {
      expect((await doctor(cell)).find("connection")).toMatchObject({ state: "note" });
      const { exitCode, err } = await run(["--data-dir", "data", "get", "tree"], { cwd: cell.parent });
      expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_NEEDS_LOCAL_CELL: .*--creds FILE/)]);
    } finally {
      await lock.release();
    }
  });

  it("prints groups with marks and a verdict", async () => {
    await using cell = await madeCell();
    await chmod(cell.dir.issuerKey, 0o640);
    const { out } = await run(["--data-dir", "data", "doctor"], { cwd: cell.parent });
    expect(out).toMatch(/^This machine\n/);
    expect(out).toMatch(/\n {2}FAIL {2}permissions .*issuer\.key\n +mend: Run `chmod -R go-rwx /);
    expect(out).toMatch(/to mend\.\n$/);
  });

  it.each([
    [Date.UTC(2025, 5, 1), "failed"],
    [Date.UTC(2026, 10, 23), "ok"],
    [Date.UTC(2150, 0, 1), "failed"],
  ])("judges a clock at %i as %s", (nowUnixMs, state) => {
    expect(checkClock(nowUnixMs).state).toBe(state);
  });
});
