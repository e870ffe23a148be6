// What a durable actor has committed to send reaches its target once, wherever in between
// its process dies: on a real broker, with real actors and the real relay.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { withDirectory } from "./durable-fixture.ts";
import { type Death, type LedgerProcess, openLedgers, RECEIVER, SENDER } from "./ledger-fixture.ts";

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });
const UP_TO = 5;
const all = Array.from({ length: UP_TO }, (_, at) => at + 1);

describe("an outbox", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  const settled = (process: LedgerProcess, entries: readonly number[]) =>
    eventually(() => {
      expect(process.entries(RECEIVER)).toEqual(entries);
      expect(process.runtime.child(RECEIVER)?.actor.backlog).toBe(0);
      // Its last commit says that all has been taken.
      expect(process.runtime.child(SENDER)?.actor.meta.pending).toBe(false);
    });

  it("reaches its target, and is told to be empty by a later commit", () =>
    withDirectory(async (directory) => {
      const process = await openLedgers(broker, directory, 1);
      await process.start();
      for (const entry of all) await process.forward(entry);
      await settled(process, all);
      expect(process.posted).toBe(UP_TO);
      process.end();
    }));

  it.each<{ death: Death; posted: number }>([
    { death: "before it left", posted: 0 },
    { death: "after it was taken, untold", posted: 1 },
  ])(
    "is applied once, in its order, when its process dies right after the commit, $death",
    ({ death, posted }) =>
      withDirectory(async (directory) => {
        const first = await openLedgers(broker, directory, 1, death);
        await first.start();
        for (const entry of all) await first.forward(entry);
        await eventually(() => {
          expect(first.runtime.child(SENDER)?.actor.backlog).toBe(0);
          expect(first.runtime.child(SENDER)?.actor.meta.pending).toBe(true);
          expect(first.posted).toBe(posted);
          expect(first.runtime.child(RECEIVER)?.actor.backlog).toBe(0);
          expect(first.entries(RECEIVER)).toEqual(all.slice(0, posted));
        });
        first.end();

        const second = await openLedgers(broker, directory, 2);
        await second.start();
        await settled(second, all);
        expect(second.posted).toBe(UP_TO);
        second.end();

        // Nothing is left to be sent for whoever comes next.
        const third = await openLedgers(broker, directory, 3);
        await third.start();
        await third.forward(UP_TO + 1);
        await settled(third, [...all, UP_TO + 1]);
        expect(third.posted).toBe(1);
        third.end();
      }),
  );

  it("is sent by the next process when the broker died with the first", () =>
    withDirectory(async (directory) => {
      const first = await openLedgers(broker, directory, 1, "before it left");
      await first.start();
      await first.forward(1);
      await eventually(() => expect(first.runtime.child(SENDER)?.actor.meta.pending).toBe(true));
      first.end();
      await broker.kill();
      await broker.start();
      const second = await openLedgers(broker, directory, 2);
      await second.start();
      await settled(second, [1]);
      second.end();
    }));

  it("takes nothing with it that was accepted between its first and its second coming", () =>
    withDirectory(async (directory) => {
      const first = await openLedgers(broker, directory, 1, "after it was told");
      await first.start();
      await first.forward(1);
      await eventually(() => {
        expect(first.runtime.child(SENDER)).toBeUndefined();
        expect(first.entries(RECEIVER)).toEqual([1]);
        expect(first.runtime.child(RECEIVER)?.actor.backlog).toBe(0);
      });
      const receiver = first.runtime.child(RECEIVER);
      await receiver?.kill();
      await first.enter(2);
      // No commit of its sender says that it was taken: it comes again, and has a second place.
      await first.restart(SENDER);
      await eventually(() => expect(first.posted).toBe(2));
      await eventually(() => expect(receiver?.actor.unapplied.size).toBe(2));
      first.end();

      const second = await openLedgers(broker, directory, 2);
      await second.start();
      await settled(second, [1, 2]);
      second.end();
    }));
});
