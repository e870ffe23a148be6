// The drill on a real cell: once as a user runs it, once with actors that are broken.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../src/drill/catalogue.ts";
import { openCell } from "../../src/drill/cell.ts";
import { systemClock } from "../../src/drill/ports.ts";
import { randomOf } from "../../src/drill/random.ts";
import { rowOf } from "../../src/drill/report.ts";
import { isRed } from "../../src/drill/row.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { cell0, isRunning, lastJson } from "./live-cell.ts";

const BROKEN = join(import.meta.dirname, "..", "chaos", "behaviours", "broken.ts");
describe("cell0 drill", () => {
  it("fails an actor for real, loses nothing, and leaves nothing behind", async () => {
    // Of its own: other drills may run on this machine.
    const TMPDIR = mkdtempSync(join(tmpdir(), "drill-"));
    const { code, stdout, stderr } = await cell0(
      [
        ...["drill", "--layer", "1", "--failure", "throw", "--isolation", "shared"],
        ...["--trials", "5", "--seed", "1", "--json"],
      ],
      { env: { TMPDIR } },
    );
    const { seed, rows } = lastJson(stdout) as { seed: number; rows: Record<string, unknown>[] };
    expect(seed).toBe(1);
    const volatile = rows.find(({ durable }) => durable === false);
    // How fast it was says more of the machine that runs the tests than of the cell.
    expect(volatile, stderr).toMatchObject({
      state: "drilled",
      layer: "actor",
      failure: "crash",
      kind: "throw",
      isolation: "shared",
      target: "drill/t0",
      trials: 5,
      recovered: 5,
      lost: 0,
      duplicated: 0,
      notRisen: 0,
      notInjected: 0,
    });
    const red = rows.some(({ faults }) => Array.isArray(faults) && faults.length > 0);
    expect(code).toBe(red ? 1 : 0);
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith("cell0-drill-"))).toEqual([]);
    rmSync(TMPDIR, { recursive: true, force: true });
  });

  it("is red for real actors that apply intents twice or not at all", async () => {
    const scenario = catalogue.find(
      ({ kind, isolation, durable }) => kind === "throw" && isolation === "shared" && !durable,
    );
    if (scenario === undefined) throw new RangeError("the scenario is gone");
    const row = await rowOf(scenario, {
      trials: 2,
      seed: 1,
      clock: systemClock,
      random: randomOf(1, scenario),
      open: (manifest) => openCell({ manifest, keep: false }),
      module: BROKEN,
    });
    if (row.state !== "drilled") throw new Error(row.reason);
    expect(isRed(row)).toBe(true);
    expect(row.lost).toBeGreaterThan(0);
    expect(row.duplicated).toBeGreaterThan(0);
  });

  it.each([
    ["overwrite", "shared"],
    ["breach", "process"],
  ] as const)(
    "finds a durable actor back after %s (%s), with all that it answered",
    async (kind, isolation) => {
      const scenario = catalogue.find(
        (each) =>
          each.layer === "actor" && each.kind === kind && each.isolation === isolation && each.durable,
      );
      if (scenario === undefined) throw new RangeError("the scenario is gone");
      const row = await rowOf(scenario, {
        trials: 2,
        seed: 1,
        clock: systemClock,
        random: randomOf(1, scenario),
        open: (manifest, words) => openCell({ manifest, words, keep: false }),
      });
      expect(row).toMatchObject({ state: "drilled", recovered: 2, lost: 0, duplicated: 0, notRisen: 0 });
    },
  );

  it("signals no process but its own, and ends them all", async () => {
    const manifest =
      '{"apiVersion":"cell0.dev/v1","kind":"ActorGraph","metadata":{"name":"drill"},"spec":{}}';
    const cell = await openCell({ manifest, keep: false });
    const pids = await Promise.all(
      (["cradle", "broker", "core", "node"] as const).map((name) => cell.pid(name)),
    );
    expect(() => cell.signal([process.pid], "SIGCONT")).toThrow(CellError);
    await cell.stop();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(cell.directory)).toBe(false);
  });

  it("says no when what is asked for by name cannot be drilled", async () => {
    const { code, stdout } = await cell0(["drill", "--layer", "2", "--failure", "poison", "--json"]);
    expect(code).toBe(1);
    expect(lastJson(stdout)).toMatchObject({ rows: [{ state: "not applicable", failure: "poison" }] });
  });
});
