// A damaged newest commit while the node's disk takes nothing more, so that its marks cannot
// be written: the actor goes on from the commit before and the journal, or ends as corrupt;
// in no case from something else, and what the disk did not take is told.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { canMount, type SmallDisk, withSmallDisk } from "../full-disk.ts";
import { damageNewest, openProcess, PATH, type Process, tillSpec } from "./durable-fixture.ts";

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });
const applied = (process: Process, entries: readonly number[]) =>
  eventually(() => {
    expect(process.host()?.entries).toEqual(entries);
    expect(process.runtime.child(PATH)?.actor.backlog).toBe(0);
  });
const noSpace = expect.objectContaining({ code: "ENOSPC" });

describe.skipIf(!canMount)("a newest commit that is damaged while the disk is full", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  /** Two entries; the second one's commit is damaged once the actor sleeps on a full disk. */
  const damagedAsleep = async ({ directory, fill }: SmallDisk, more: Parameters<typeof tillSpec>[0]) => {
    const spec = tillSpec({ passivateAfterMs: 1_000, ...more });
    const process = await openProcess(broker, directory, 1, spec);
    await process.start();
    for (const entry of [1, 2]) await process.send(entry);
    await applied(process, [1, 2]);
    await eventually(() => expect(process.runtime.awake).toBe(0));
    fill();
    await damageNewest(broker);
    return process;
  };

  it("goes on from the one before it and the journal, in the same process and in the next", () =>
    withSmallDisk(async (disk) => {
      const process = await damagedAsleep(disk, {});
      expect(await process.send(3)).toMatchObject({ ok: true });
      await applied(process, [1, 2, 3]);
      await eventually(() => expect(process.damaged.map(({ code }) => code)).toContain("STATE_FORGED"));
      expect(process.fenced).toEqual([]);
      expect(process.unmarked).toEqual([]);
      // The last block of its file had room for a few more lines.
      for (let entry = 4; entry < 100 && process.unmarked.length === 0; entry++) await process.send(entry);
      expect(process.unmarked).toEqual([noSpace]);
      process.end();
      disk.free();
      const entries = process.host()?.entries ?? [];
      const next = await openProcess(broker, disk.directory, 2);
      await next.start();
      await next.send(0);
      await applied(next, [...entries, 0]);
      next.end();
    }));

  it("ends as corrupt when its manifest asks for that, and stays so while the disk is full", () =>
    withSmallDisk(async (disk) => {
      const process = await damagedAsleep(disk, { onCorruption: "park" });
      for (let attempt = 0; attempt < 2; attempt++) {
        const child = await process.start();
        await process.send(3);
        expect(await child.exited).toMatchObject({
          kind: "failed",
          failure: { class: "corruption", name: "STATE_CORRUPT" },
        });
      }
      process.end();
    }));
});
