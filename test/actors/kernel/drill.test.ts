import { describe, expect, it } from "vitest";
import { kernelSpec, NODE_ACTORS } from "../../../src/runtime/node-graph.ts";

describe("faults on demand", () => {
  it("are offered by no node that was not started by a drill", () => {
    expect(process.env.CELL0_DRILL).toBeUndefined();
    expect(NODE_ACTORS).not.toContain("drill");
    expect(JSON.stringify(kernelSpec("a", true))).not.toContain("kernel/a/drill");
  });
});
