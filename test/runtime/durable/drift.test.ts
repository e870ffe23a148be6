// Drift: what the broker keeps of an actor is neither what it last committed nor a
// successor's. Somebody with access to the broker wrote there, and nobody took the actor over.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { applied, eventually, openProcess, stored, withDirectory } from "./durable-fixture.ts";

describe("a durable actor over whose commit somebody else wrote", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  it("keeps nothing more of this incarnation, and its process keeps the shard", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      await process.overwrite();
      await process.send(2);
      expect(await process.host()?.exited).toMatchObject({ kind: "killed" });
      expect(process.host()?.committed.at(-1)).toMatchObject({ ok: false, error: { code: "STATE_DRIFTED" } });
      expect(process.fenced).toEqual([]);
      process.end();
    });
  });

  it("goes on from its last good commit, and applies once what was not kept", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      for (const entry of [2, 3]) {
        await process.overwrite();
        await process.send(entry);
        await process.host()?.exited;
        await process.start();
        await applied(
          process,
          Array.from({ length: entry }, (_, at) => at + 1),
        );
      }
      await eventually(() =>
        expect(process.damaged.map(({ code }) => code)).toEqual(["STATE_FORGED", "STATE_FORGED"]),
      );
      process.end();
    });
  });

  it("gives the answers of its newest commit once more, and carries none on: its process has not died", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      const commit = async (id: string) => {
        const host = process.host();
        if (host !== undefined) host.answers = [stored(id)];
        await host?.commit();
      };
      await process.send(1);
      await applied(process, [1]);
      for (const [entry, newest, before] of [
        [2, "b", ["a"]],
        [3, "d", ["b", "c"]],
      ] as const) {
        await commit(before.at(-1) ?? "");
        await commit(newest);
        await process.overwrite();
        await process.send(entry);
        const drifted = process.host();
        await drifted?.exited;
        await process.start();
        await eventually(() => expect(process.host()).not.toBe(drifted));
        const { state, answered } = process.host()?.awakening ?? {};
        expect(state?.replies.map(({ intentId }) => intentId)).toEqual([newest]);
        expect(answered?.map(({ intentId }) => intentId)).toEqual(before);
      }
      process.end();
    });
  });

  it("is fenced all the same when a successor had written before", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const successor = await openProcess(broker, directory, 2);
      await successor.start();
      await successor.send(2);
      await applied(successor, [1, 2]);
      await successor.overwrite();
      await zombie.host()?.commit();
      expect(zombie.host()?.committed.at(-1)).toMatchObject({ ok: false, error: { code: "ACTOR_FENCED" } });
      for (const each of [zombie, successor]) each.end();
    });
  });
});
