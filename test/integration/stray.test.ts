// What no actor can be named for is taken for the kernel's: the node's actors are built anew
// in its process, as often as the matrix says; then the process ends, and layer 4 takes over.
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const WAIT = { timeout: 30_000, interval: 20 };

let cell: LiveCell;
let workspace: Workspace;
beforeAll(async () => {
  workspace = await makeWorkspace();
  const children = [
    { actor: "outsider", behaviour: "./outside.ts#outsider" },
    { actor: "parrot", behaviour: "./parrot.ts#parrot" },
  ];
  const file = await workspace.write("graph.yaml", manifest("live", children));
  cell = await startCell({ up: [file] });
  // A node that starts loads the behaviour for no actor; one that applies does for its kernel's.
  await cell.kill("node");
  await said("outsider");
});
afterAll(async () => {
  await cell?.stop();
  await workspace.remove();
});

const said = async (actor: string) => {
  const request = cell.client.request(`live/${actor}`, "say", { text: "x" }, { timeoutMs: 20_000 });
  return ((await request).value as { readonly count: number }).count;
};
const stray = (how: string) => cell.client.send("live/outsider", "stray", { how });
const recorded = async (kind: "kernelRebuilt" | "processDied") => {
  const events = await cell.kernel.events("a", { kinds: [kind] });
  return events.flatMap((bytes) => {
    const event = fromBinary(EventSchema, bytes).kind;
    return event.case === kind ? [event.value.cause] : [];
  });
};

it("rebuilds the kernel in the process, which goes on with what its actors knew", async () => {
  const node = await cell.pid("node");
  const [first, parrot] = [await said("outsider"), await said("parrot")];
  for (const [at, how] of ["throw", "reject"].entries()) {
    await stray(how);
    await vi.waitFor(async () => expect(await recorded("kernelRebuilt")).toHaveLength(at + 1), WAIT);
    expect(await said("outsider")).toBe(first + 1 + at);
    expect(await said("parrot")).toBe(parrot + 1 + at);
  }
  expect((await recorded("kernelRebuilt")).toSorted()).toEqual([
    "no actor is named for it: Error: nobody's rejection",
    "no actor is named for it: Error: nobody's throw",
  ]);
  expect(await cell.pid("node")).toBe(node);
});

it("ends the process once that is needed more often than the matrix allows, and the cell goes on", async () => {
  const rule = matrix.kernel.crash;
  if (rule.kind !== "rule" || rule.counting === "intensity") throw new Error("the kernel has a bound");
  const node = await cell.pid("node");
  const before = (await recorded("processDied")).length;
  for (let time = 3; time <= rule.counting.restarts; time++) {
    await stray("throw");
    await vi.waitFor(async () => expect(await recorded("kernelRebuilt")).toHaveLength(time), WAIT);
    await said("parrot");
  }
  expect(await cell.pid("node")).toBe(node);
  await stray("throw");
  await vi.waitFor(async () => expect(await recorded("processDied")).toHaveLength(before + 1), WAIT);
  expect((await recorded("processDied")).at(-1)).toBe("exit code 1");
  expect(await cell.pid("node")).not.toBe(node);
  await said("parrot");
});
