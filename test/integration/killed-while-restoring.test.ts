// A crash inside a crash: the node is killed with -9, and what takes its place is killed
// while it brings the durable actors back, several times in a row. Under load nothing is lost
// and nothing is applied twice, and in the end all of it is there.
import { readFileSync, statSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { isRunning, type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const WAIT = { timeout: 30_000, interval: 1 };
/** So that taking their shards is a piece of work to be killed in. */
const OTHERS = 200;

describe("a node that is killed while it restores", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const durable = (actor: string) => ({ actor, behaviour: "./ledger.ts#ledger", durable: true });
    const others = Array.from({ length: OTHERS }, (_, at) => durable(`other-${at}`));
    const graph = manifest("books", [durable("till"), durable("armed"), ...others]);
    const file = await workspace.write("graph.yaml", graph);
    cell = await startCell({ up: [file, "--max-restarts", "1000"], spare: true });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const request = async (actor: string, intent: string, payload: object = {}) =>
    (await cell.client.request(`books/${actor}`, intent, payload, { timeoutMs: 25_000 })).value;
  const entries = async (actor: string) => ((await request(actor, "read")) as { entries: number[] }).entries;
  const term = () => Number(readFileSync(cell.dir.term, "utf8"));
  /** How often the node has said that it answers again. */
  const recoveries = () => cell.output().match(/^\{"recovered":"node"/gm)?.length ?? 0;

  type Moment = { readonly name: string; readonly reached: (before: Before) => void };
  type Before = { readonly term: number; readonly marksBytes: number };
  const promoted: Moment = { name: "as soon as it is promoted", reached: () => {} };
  const termRaised: Moment = {
    name: "with its term raised",
    reached: (before) => expect(term()).toBeGreaterThan(before.term),
  };
  const shardsTaken: Moment = {
    name: "while it takes its shards",
    reached: (before) => expect(statSync(cell.dir.marks).size).toBeGreaterThan(before.marksBytes),
  };

  /** Kills the node that follows on the process `of`, at this moment of its restoring. */
  async function killNext(of: number, moment: Moment): Promise<number> {
    const before = { term: term(), marksBytes: statSync(cell.dir.marks).size };
    const next = await vi.waitFor(async () => {
      const pid = await cell.pid("node");
      expect(pid).not.toBe(of);
      return pid;
    }, WAIT);
    await vi.waitFor(() => moment.reached(before), WAIT);
    process.kill(next, "SIGKILL");
    await vi.waitFor(() => expect(isRunning(next)).toBe(false), WAIT);
    return next;
  }

  it("promoted from the spare or started anew, is followed by one that has everything, once", async () => {
    let entry = 0;
    let stopped = false;
    const lane = async () => {
      while (!stopped) await request("till", "enter", { entry: ++entry });
    };
    const lanes = Promise.all(Array.from({ length: 6 }, lane));
    lanes.catch(() => undefined);
    const further = async () => {
      const from = entry;
      await vi.waitFor(() => expect(entry).toBeGreaterThan(from + 30), { timeout: 30_000 });
    };
    await request("armed", "alarm", { entry: 1, delayMs: 1_000 });
    for (const moments of [
      [promoted, termRaised],
      [termRaised, shardsTaken, promoted],
      [shardsTaken, shardsTaken, termRaised],
    ]) {
      await further();
      await vi.waitFor(() => cell.pid("node-spare"), { timeout: 30_000, interval: 20 });
      const firstTerm = term();
      const answeredBefore = recoveries();
      let killed = await cell.pid("node");
      process.kill(killed, "SIGKILL");
      for (const moment of moments) killed = await killNext(killed, moment);
      expect(recoveries(), "none of them came up").toBe(answeredBefore);
      await further();
      expect(term()).toBeGreaterThan(firstTerm);
    }
    stopped = true;
    await lanes;
    const all = await entries("till");
    expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: entry }, (_, at) => at + 1));
    await vi.waitFor(async () => expect(await entries("armed")).toEqual([1]), { timeout: 30_000 });
    for (const other of [0, 77, OTHERS - 1]) expect(await entries(`other-${other}`)).toEqual([]);
  });

  it("is on record with each of these deaths", async () => {
    const deaths = await vi.waitFor(
      async () => {
        const events = await cell.kernel.events("a", { kinds: ["processDied"] });
        expect(events).toHaveLength(3 + 2 + 3 + 3);
        return events;
      },
      { timeout: 20_000 },
    );
    const names = deaths.map((bytes) => fromBinary(EventSchema, bytes).kind);
    expect(names.every(({ case: kind }) => kind === "processDied")).toBe(true);
  });
});
