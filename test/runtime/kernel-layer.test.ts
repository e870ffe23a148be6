import { describe, expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { KernelLayer } from "../../src/runtime/kernel-layer.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import type { Tree } from "../../src/supervisor/tree.ts";
import { TreeMemory } from "../../src/supervisor/tree-memory.ts";
import type { EventInput } from "../../src/telemetry/event.ts";

const failure = {
  class: "crash",
  name: "Error",
  message: "no luck",
  rootActor: "kernel/a/registry",
  origin: "transition",
} as const;

function open() {
  const log: string[] = [];
  const fatal: CellError[] = [];
  const records: EventInput[] = [];
  const memory = new TreeMemory();
  let fails = false;
  let sound = true;
  const layer = new KernelLayer({
    start: async (inherited) => {
      if (fails) throw new CellError("SUPERVISOR_START_FAILED");
      log.push(
        inherited === undefined ? "start" : `start with ${inherited === memory ? "its" : "another's"} memory`,
      );
      const tree = { memory, stop: async (graceMs: number) => void log.push(`stop ${graceMs}`) };
      return tree as unknown as Tree;
    },
    started: async () => void log.push("started"),
    actors: () => 7,
    record: (event) => records.push(event),
    isSound: async () => {
      log.push("looked at");
      return sound;
    },
    onFatal: (error) => fatal.push(error),
  });
  const settled = () => vi.waitFor(() => expect(log.at(-1)).toBe("started"));
  const fail = () => {
    fails = true;
  };
  const breakBelow = () => {
    sound = false;
  };
  return { layer, log, fatal, records, settled, fail, breakBelow };
}

describe("the kernel's layer", () => {
  test("tears the tree down at once and builds another from what its actors knew", async () => {
    const { layer, log, records, fatal, settled } = open();
    await layer.start();
    layer.gaveUp(failure, matrix.kernel.crash);
    await settled();
    expect(log).toEqual(["start", "stop 0", "start with its memory", "started"]);
    expect(records).toMatchObject([
      { kind: { case: "kernelRebuilt", value: { actors: 7, failure: "crash" } } },
    ]);
    expect(fatal).toEqual([]);
  });

  test("ends the process when it is needed more often than the matrix allows", async () => {
    const { layer, fatal, log, settled } = open();
    await layer.start();
    for (let time = 0; time < 3; time++) {
      layer.gaveUp(failure, matrix.kernel.crash);
      await settled();
      log.push("next");
    }
    layer.gaveUp(failure, matrix.kernel.crash);
    expect(fatal).toMatchObject([{ code: "SUPERVISOR_START_FAILED", where: "kernel/a/registry" }]);
  });

  test("ends the process when that is the matrix's answer, or it has none", async () => {
    const { layer, fatal } = open();
    await layer.start();
    layer.gaveUp(failure, { ...matrix.kernel.crash, action: "end-process" } as typeof matrix.kernel.crash);
    layer.gaveUp({ ...failure, class: "loss" }, matrix.kernel.loss);
    expect(fatal).toHaveLength(2);
  });

  test("takes what no actor is named for as the kernel's: it is built anew, and what lies below is looked at", async () => {
    const { layer, log, records, fatal } = open();
    await layer.start();
    layer.strayed(failure, matrix.kernel.crash);
    await vi.waitFor(() => expect(log.at(-1)).toBe("looked at"));
    expect(log).toEqual(["start", "stop 0", "start with its memory", "started", "looked at"]);
    expect(records).toMatchObject([
      { kind: { case: "kernelRebuilt", value: { cause: "no actor is named for it: Error: no luck" } } },
    ]);
    expect(fatal).toEqual([]);
  });

  test("ends the process when what no actor is named for broke what lies below, or comes too often", async () => {
    const { layer, log, fatal } = open();
    await layer.start();
    for (let time = 1; time <= 3; time++) {
      layer.strayed(failure, matrix.kernel.crash);
      await vi.waitFor(() => expect(log.filter((each) => each === "looked at")).toHaveLength(time));
    }
    expect(fatal).toEqual([]);
    layer.strayed(failure, matrix.kernel.crash);
    expect(fatal).toMatchObject([{ message: expect.stringContaining("no actor is named for it") }]);

    const other = open();
    await other.layer.start();
    other.breakBelow();
    other.layer.strayed(failure, matrix.kernel.crash);
    await vi.waitFor(() => expect(other.fatal).toMatchObject([{ code: "SUPERVISOR_START_FAILED" }]));
  });

  test("ends the process when the new tree does not come up", async () => {
    const { layer, fatal, fail } = open();
    await layer.start();
    fail();
    layer.gaveUp(failure, matrix.kernel.crash);
    await vi.waitFor(() => expect(fatal).toHaveLength(1));
  });

  test("asked for by hand, it is done once at a time and not without end", async () => {
    const { layer, log, settled } = open();
    expect(() => layer.rebuild()).toThrow(expect.objectContaining({ code: "CELL_STOPPING" }));
    await layer.start();
    for (let time = 0; time < 30; time++) {
      layer.rebuild();
      await settled();
      await new Promise((resolve) => setImmediate(resolve));
      log.push("next");
    }
    expect(() => layer.rebuild()).toThrow(expect.objectContaining({ code: "CELL_KERNEL_REBUILT_TOO_OFTEN" }));
  });

  test("is not built anew while the node stops", async () => {
    const { layer, log } = open();
    await layer.start();
    await layer.stop(100);
    expect(() => layer.rebuild()).toThrow(expect.objectContaining({ code: "CELL_STOPPING" }));
    expect(log).toEqual(["start", "stop 100"]);
  });
});
