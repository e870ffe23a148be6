import { describe, expect, it } from "vitest";
import { matrix } from "../../src/supervisor/matrix.ts";
import { failureClasses, layers } from "../../src/supervisor/matrix-rules.ts";
import { RAISED, raisedBounds } from "../../src/supervisor/raised-bounds.ts";

const raised = raisedBounds(matrix);

describe("the matrix with raised bounds", () => {
  it.each(["kernel", "process"] as const)(
    "answers each failure of the %s as before, as often as it comes",
    (layer) => {
      for (const failure of failureClasses) {
        const [before, after] = [matrix[layer][failure], raised[layer][failure]];
        if (before.kind !== "rule" || after.kind !== "rule") {
          expect(after).toEqual(before);
          continue;
        }
        expect({ ...after, counting: before.counting, parkedAfter: before.parkedAfter }).toEqual({
          ...before,
          parkedAfter: before.parkedAfter,
        });
        expect(after.counting).toMatchObject({ restarts: RAISED });
        if (before.parkedAfter !== undefined)
          expect(after.parkedAfter).toMatchObject({ deaths: RAISED, atOnceBeyond: RAISED });
      }
    },
  );

  it("leaves the other layers alone", () => {
    for (const layer of layers)
      if (layer !== "kernel" && layer !== "process") expect(raised[layer]).toBe(matrix[layer]);
  });
});
