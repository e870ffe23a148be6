import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { catalogue, trialsOf } from "../../src/drill/catalogue.ts";
import { absentRows, drilledLayers } from "../../src/drill/report.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import { failureClasses } from "../../src/supervisor/matrix-rules.ts";

const cells = drilledLayers.flatMap((layer) => failureClasses.map((failure) => ({ layer, failure })));
const rowsOf = ({ layer, failure }: (typeof cells)[number]) =>
  catalogue.filter((row) => row.layer === layer && row.failure === failure);

describe("the catalogue of drills", () => {
  it.each(cells.filter(({ layer, failure }) => matrix[layer][failure].kind === "rule"))(
    "causes $layer $failure, for which there is a rule",
    (cell) => {
      expect(rowsOf(cell).length).toBeGreaterThan(0);
    },
  );

  it("names only what does not apply as not drilled", () => {
    expect(absentRows({}).filter(({ state }) => state !== "not applicable")).toEqual([]);
  });

  it("names each row once", () => {
    const names = catalogue.map(({ layer, failure, kind, isolation, durable }) =>
      [layer, failure, kind, isolation, durable].join(" "),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("shares the trials of a cell among its rows: all of them, and hardly more", () => {
    fc.assert(
      fc.property(fc.constantFrom(...cells), fc.integer({ min: 1, max: 10_000 }), (cell, perCell) => {
        const rows = rowsOf(cell);
        const given = rows.reduce((total, row) => total + trialsOf(row, perCell, catalogue), 0);
        expect(given).toBeGreaterThanOrEqual(rows.length === 0 ? 0 : perCell);
        expect(given).toBeLessThanOrEqual(perCell + rows.length);
      }),
    );
  });

  it("gives poison, which kills twice, the budget of two deaths", () => {
    const rows = catalogue.filter(({ failure }) => failure === "poison");
    expect(rows.map(({ layer, isolation, budgetMs }) => [layer, isolation, budgetMs])).toEqual([
      ["actor", "shared", 20],
      ["actor", "worker", 500],
      ["actor", "process", 500],
      ["process", "shared", 2_000],
      ["process", "shared", 2_000],
    ]);
  });

  it("gives all of a cell's trials to the one row that is asked for", () => {
    const [row] = catalogue;
    if (row === undefined) throw new RangeError("nothing is drilled");
    expect(trialsOf(row, 1_000, [row])).toBe(1_000);
  });
});
