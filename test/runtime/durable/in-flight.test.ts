// What a process may do while a journal record and the commits that apply it are both on
// their way: nothing follows from a place whose record is not there, and nothing stands
// still that need not.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { applied, eventually, openProcess, PATH, withDirectory } from "./durable-fixture.ts";

describe("a commit whose journal record is on its way", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  it("leads to nothing when the record was refused before the broker's word of the commit came", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const zombieHeard = () => eventually(() => expect(zombie.host()?.committed).toHaveLength(3));
      // It takes the shard, and comes to the actor later.
      const successor = await openProcess(broker, directory, 2);
      successor.beforeNextCommit = zombieHeard;
      await successor.start();
      zombie.beforeNextCommit = () => eventually(() => expect(zombie.fenced).toHaveLength(1));
      void zombie.send(2);
      await zombieHeard();
      expect(zombie.host()?.committed.at(-1)).toMatchObject({ ok: false, error: { code: "ACTOR_FENCED" } });
      expect(zombie.replies).toHaveLength(1);
      await successor.send(3);
      await applied(successor, [1, 2, 3]);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("does not keep the trimmer from going on while the broker takes no records", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      process.refuseRecords = true;
      const sent = process.send(2);
      await eventually(() => expect(process.kept).toBe(3));
      const repeated = process.runtime
        .child(PATH)
        ?.actor.repeat({})
        .then(() => "done");
      const late = new Promise((resolve) => setTimeout(resolve, 1_000, "late"));
      expect(await Promise.race([repeated, late])).toBe("done");
      process.refuseRecords = false;
      expect(await sent).toMatchObject({ ok: true });
      await applied(process, [1, 2]);
      process.end();
    });
  });

  it("waits for its own record only, and not for one that came later", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      process.beforeNextCommit = async () => {
        // Its record is there; the next one is refused.
        await eventually(() => expect(told).toBe(true));
        process.refuseRecords = true;
        void process.send(3);
        await new Promise((resolve) => setTimeout(resolve, 50));
      };
      let told = false;
      void process.send(2).then(() => {
        told = true;
      });
      await eventually(() => expect(process.replies).toHaveLength(2));
      process.refuseRecords = false;
      await applied(process, [1, 2, 3]);
      process.end();
    });
  });

  it("tells when its actor is to be awake though it came after the heads were read", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const wakeAtUnixMs = Date.now() + 3_600_000;
      const second = await openProcess(broker, directory, 2);
      second.beforeNextCommit = () =>
        zombie.host()?.commit({ pending: false, wakeAtUnixMs }) ?? Promise.resolve();
      await second.start();
      second.runtime.child(PATH)?.wake();
      await eventually(() => expect(second.host()).toBeDefined());
      expect(second.runtime.child(PATH)?.actor.meta).toEqual({ pending: false, wakeAtUnixMs });
      second.end();
      const third = await openProcess(broker, directory, 3);
      await third.start();
      expect(third.runtime.child(PATH)?.actor.meta).toEqual({ pending: false, wakeAtUnixMs });
      for (const each of [zombie, third]) each.end();
    });
  });

  it("keeps nobody from taking over, however often the owner before commits", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const second = await openProcess(broker, directory, 2);
      let left = 8;
      const again = async () => {
        left -= 1;
        await zombie.host()?.commit();
        if (left > 0) second.beforeNextCommit = again;
      };
      second.beforeNextCommit = again;
      await second.start();
      await second.send(2);
      await applied(second, [1, 2]);
      expect(second.fenced).toEqual([]);
      for (const each of [zombie, second]) each.end();
    });
  });

  const refusedWith = async (directory: string, entry: number) => {
    const process = await openProcess(broker, directory, 1);
    await process.start();
    await process.send(1);
    await applied(process, [1]);
    process.refuseRecords = true;
    const sent = process.send(entry);
    await eventually(() => expect(process.kept).toBe(3));
    return { process, sent };
  };

  it("is gone on from once, by an incarnation that begins while the record is refused", async () => {
    await withDirectory(async (directory) => {
      const { process, sent } = await refusedWith(directory, 2);
      await process.runtime.child(PATH)?.kill();
      await process.start();
      expect(await process.send(9)).toMatchObject({
        ok: false,
        error: { code: "BROKER_STREAM_UNAVAILABLE" },
      });
      process.refuseRecords = false;
      expect(await sent).toMatchObject({ ok: true });
      await process.send(3);
      await applied(process, [1, 2, 3]);
      process.end();
    });
  });

  it("is not applied again to who is begun anew while the record is refused", async () => {
    await withDirectory(async (directory) => {
      const { process, sent } = await refusedWith(directory, 2);
      await process.runtime.child(PATH)?.kill();
      process.runtime.beginAnew(PATH, "operator");
      const starting = process.start();
      process.refuseRecords = false;
      await Promise.all([sent, starting]);
      await process.send(3);
      await applied(process, [3]);
      expect(process.begunAnew).toEqual(["operator"]);
      process.end();
    });
  });

  it("tells nobody anything when the process stops while the record is refused", async () => {
    await withDirectory(async (directory) => {
      const { process, sent } = await refusedWith(directory, 2);
      const told: unknown[] = [];
      void sent.then((outcome) => told.push(outcome));
      process.end();
      await eventually(() =>
        expect(process.host()?.committed.at(-1)).toMatchObject({
          ok: false,
          error: { code: "CELL_STOPPING" },
        }),
      );
      expect(told).toEqual([]);
      expect(process.replies).toHaveLength(1);
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await second.send(3);
      await applied(second, [1, 2, 3]);
      second.end();
    });
  });

  it("leaves an intent that nobody committed to whoever comes next, once its record is there", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      process.refuseRecords = true;
      const host = process.host();
      if (host !== undefined) host.isDeaf = true;
      const sent = [2, 3].map((entry) => process.send(entry));
      await eventually(() => expect(process.runtime.child(PATH)?.actor.unapplied.size).toBe(2));
      await process.runtime.child(PATH)?.kill();
      await process.start();
      await eventually(() => expect(process.host()).not.toBe(host));
      // Its record is tried, and refused, as long as the new one lives.
      const before = process.refused;
      await eventually(() => expect(process.refused).toBeGreaterThan(before + 2));
      expect(process.host()?.entries).toEqual([1]);
      process.refuseRecords = false;
      await Promise.all(sent);
      await applied(process, [1, 2, 3]);
      process.end();
    });
  });
});
