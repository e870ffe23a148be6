// A durable actor's cell without its broker: what is in the middle of being committed is
// committed once when it is back, and what is sent while it is away fails with a code, within
// its deadline, and is not applied afterwards.
import { rename } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readCellConfig } from "../../src/runtime/cell-config.ts";
import { isOpen, type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const TIMEOUT_MS = 25_000;
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe("a durable actor whose broker is gone", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const durable = (actor: string) => ({
      ...{ actor, behaviour: "./ledger.ts#ledger", durable: true },
      grants: [{ intents: ["enter"], targets: ["books/*"] }],
    });
    const graph = manifest("books", ["busy", "sender", "receiver", "till"].map(durable));
    const file = await workspace.write("graph.yaml", graph);
    cell = await startCell({ up: [file, "--max-restarts", "1000"] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const request = async (actor: string, intent: string, payload: object, timeoutMs = TIMEOUT_MS) =>
    (await cell.client.request(`books/${actor}`, intent, payload, { timeoutMs })).value;
  const entries = async (actor: string) =>
    ((await request(actor, "read", {})) as { entries: number[] }).entries;

  describe("while it commits", () => {
    it("commits what it had decided once, each time, when the broker is back", async () => {
      let entry = 0;
      let stopped = false;
      const lane = async () => {
        while (!stopped) {
          const own = ++entry;
          await Promise.all([
            request("busy", "enter", { entry: own }),
            request("sender", "forward", { target: "books/receiver", entry: own }),
          ]);
        }
      };
      const lanes = Promise.all(Array.from({ length: 8 }, lane));
      lanes.catch(() => undefined);
      const further = async (count: number) => {
        const from = entry;
        await vi.waitFor(() => expect(entry).toBeGreaterThan(from + count), { timeout: TIMEOUT_MS });
      };
      const node = await cell.pid("node");
      for (const count of [40, 23, 61, 17]) {
        await further(count);
        await cell.kill("broker");
      }
      await further(40);
      stopped = true;
      await lanes;
      const sorted = (all: readonly number[]) => all.toSorted((a, b) => a - b);
      expect(sorted(await entries("busy"))).toEqual(upTo(entry));
      await vi.waitFor(async () => expect(sorted(await entries("receiver"))).toEqual(upTo(entry)), {
        timeout: TIMEOUT_MS,
      });
      expect(await cell.pid("node"), "no process gave up over it").toBe(node);
    });
  });

  describe("for good", () => {
    /** The broker does not start any more, until the work is done. */
    const withoutBroker = async (work: () => Promise<void>) => {
      const { broker } = await readCellConfig(cell.dir);
      const aside = `${cell.dir.brokerConfig}.aside`;
      await rename(cell.dir.brokerConfig, aside);
      try {
        await cell.kill("broker");
        await work();
        expect(await isOpen(broker.url)).toBe(false);
      } finally {
        await rename(aside, cell.dir.brokerConfig);
      }
    };

    it("has what is sent fail with a code within its deadline, and applies none of it when the broker is back", async () => {
      for (const entry of [1, 2]) await request("till", "enter", { entry });
      await withoutBroker(async () => {
        const timeoutMs = 1_500;
        const startedAt = performance.now();
        await expect(request("till", "enter", { entry: 3 }, timeoutMs)).rejects.toMatchObject({
          code: expect.stringMatching(/^(BROKER_UNREACHABLE|ACTOR_DEADLINE_EXCEEDED)$/),
        });
        await expect(
          cell.client.send("books/till", "enter", { entry: 4 }, { timeoutMs }),
        ).rejects.toMatchObject({ code: expect.stringMatching(/^(BROKER_|ACTOR_DEADLINE_EXCEEDED)/) });
        expect(performance.now() - startedAt).toBeLessThan(2 * timeoutMs + 2_000);
        for (const more of [[], ["--no-reply"]]) {
          const sent = await cell.cli(
            ...["--json", "send", "books/till", "enter", '{"entry":5}', "--timeout", "2s", ...more],
          );
          expect({ code: sent.code, said: sent.stdout + sent.stderr }).toEqual({
            code: 4,
            said: expect.stringMatching(/"code":"(BROKER_UNREACHABLE|ACTOR_DEADLINE_EXCEEDED)"/),
          });
        }
      });
      expect(await entries("till")).toEqual([1, 2]);
      expect(await request("till", "enter", { entry: 6 })).toEqual({ entry: 6, count: 3 });
      expect(await entries("till")).toEqual([1, 2, 6]);
    });

    it("but not gone, only stopped, has a command say so and end", async () => {
      const broker = await cell.pid("broker");
      // Which would start it again.
      const cradle = await cell.pid("cradle");
      process.kill(cradle, "SIGSTOP");
      process.kill(broker, "SIGSTOP");
      try {
        const sent = await cell.cli("send", "books/till", "read", "{}", "--timeout", "1s");
        expect([sent.code, sent.stderr]).toEqual([4, expect.stringMatching(/^BROKER_UNREACHABLE/)]);
      } finally {
        process.kill(broker, "SIGCONT");
        process.kill(cradle, "SIGCONT");
      }
    });

    it("and whose node then dies, goes on from what was acknowledged, and from nothing else", async () => {
      const before = await entries("till");
      const unheard: Promise<unknown>[] = [];
      await withoutBroker(async () => {
        const ask = request("till", "enter", { entry: 7 }, 1_000);
        unheard.push(expect(ask).rejects.toHaveProperty("code"));
        await cell.kill("node");
        await Promise.all(unheard);
      });
      expect(await entries("till")).toEqual(before);
    });
  });
});
