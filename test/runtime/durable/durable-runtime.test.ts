// What a runtime of durable actors promises, on a real broker: processes of one node come,
// die, and come back as zombies; commits are damaged, and brokers forget.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { actorMark, journalMark, markLine } from "../../../src/runtime/durable/marks.ts";
import { stateStream } from "../../../src/transport/durable/state-stream.ts";
import { nextId } from "../../security/cell-fixture.ts";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import {
  damageNewest,
  eventually,
  openProcess,
  PATH,
  type Process,
  tillSpec,
  withDirectory,
} from "./durable-fixture.ts";

const SHARD = 3;
const applied = (process: Process, entries: readonly number[]) =>
  eventually(() => {
    expect(process.host()?.entries).toEqual(entries);
    expect(process.host()?.committed.every(({ ok }) => ok)).toBe(true);
    expect(process.runtime.child(PATH)?.actor.backlog).toBe(0);
  });

/** Of what the broker does not hold. */
const AHEAD = { number: 99, hash: "ab".repeat(32) };

describe("durable actors of a node", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  it("go on in the next process where the last commit stood", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      for (const entry of [1, 2]) expect(await first.send(entry)).toMatchObject({ ok: true });
      await applied(first, [1, 2]);
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      expect(await second.send(3)).toMatchObject({ ok: true });
      await applied(second, [1, 2, 3]);
      expect(second.host()?.incarnation.term).toBe(2);
      second.end();
    });
  });

  it("start once the broker is back when they are started while it is away", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      expect(await first.send(1)).toMatchObject({ ok: true });
      await applied(first, [1]);
      first.end();
      const second = await openProcess(broker, directory, 2);
      await broker.kill();
      const starting = second.start();
      await broker.start();
      await starting;
      expect(await second.send(2)).toMatchObject({ ok: true });
      await applied(second, [1, 2]);
      second.end();
    });
  });

  it("are judged by the progress of who is awake, and told by the incarnation that comes next", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      const child = await first.start();
      expect(child.progress?.()).toEqual(first.host()?.progress());
      expect(child.incarnation).toEqual({ term: 1, activation: 1 });
      await child.kill();
      const next = await first.start();
      expect(next.incarnation).toEqual({ term: 1, activation: 2 });
      expect(next.isAwake === true ? next.progress?.() : undefined).toEqual(next.progress?.());
      await first.send(1);
      await applied(first, [1]);
      expect(next.incarnation).toEqual({ term: 1, activation: 2 });
      first.end();
    });
  });

  it("apply what was accepted and not applied when the process died, in order", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      await first.send(1);
      await applied(first, [1]);
      const host = first.host();
      if (host !== undefined) host.isDeaf = true;
      await Promise.all([2, 3, 4].map((entry) => first.send(entry)));
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await applied(second, [1, 2, 3, 4]);
      second.end();
    });
  });

  it("begin no intent a second time that comes again under its id", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      const id = nextId();
      await first.send(1, id);
      await applied(first, [1]);
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      expect(await second.send(1, id)).toMatchObject({ ok: true });
      await second.send(2);
      await applied(second, [1, 2]);
      second.end();
    });
  });

  it("of a zombie commit nothing and accept nothing once a successor has begun", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const successor = await openProcess(broker, directory, 2);
      await successor.start();
      await successor.send(2);
      await applied(successor, [1, 2]);
      await zombie.host()?.commit();
      expect(zombie.host()?.committed.at(-1)).toMatchObject({ ok: false, error: { code: "ACTOR_FENCED" } });
      expect(await zombie.send(3)).toMatchObject({ ok: false, error: { code: "ACTOR_FENCED" } });
      expect(zombie.fenced.map(({ code }) => code)).toEqual(["ACTOR_FENCED"]);
      await successor.send(4);
      await applied(successor, [1, 2, 4]);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("of a zombie say nothing about an intent that it finds itself succeeded with", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const successor = await openProcess(broker, directory, 2);
      await successor.start();
      await successor.send(2);
      await applied(successor, [1, 2]);
      let told: unknown;
      void zombie.send(3).then((outcome) => {
        told = outcome;
      });
      // Its record is refused, and so is the commit that went with it.
      await eventually(() => {
        expect(zombie.fenced).toHaveLength(2);
        expect(zombie.host()?.committed.at(-1)).toMatchObject({ ok: false, error: { code: "ACTOR_FENCED" } });
      });
      await successor.send(4);
      await applied(successor, [1, 2, 4]);
      expect(told).toBeUndefined();
      expect(zombie.replies).toHaveLength(1);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("are taken over though the owner before commits once more meanwhile", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const successor = await openProcess(broker, directory, 2);
      successor.beforeNextCommit = async () => {
        await zombie.host()?.commit();
        expect(zombie.host()?.committed.at(-1)).toMatchObject({ ok: true });
      };
      await successor.start();
      await successor.send(2);
      await applied(successor, [1, 2]);
      expect(successor.fenced).toEqual([]);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("go on from a commit whose journal record never came about", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      await first.send(1);
      await applied(first, [1]);
      first.loseRecords = true;
      void first.send(2);
      await eventually(() => expect(first.kept).toBe(3));
      expect(first.replies).toHaveLength(1);
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await second.send(3);
      await applied(second, [1, 2, 3]);
      second.end();
    });
  });

  it("lose nothing when the broker is gone while they commit", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      const sent = Array.from({ length: 20 }, (_, at) => process.send(at));
      await broker.kill();
      sent.push(...Array.from({ length: 20 }, (_, at) => process.send(20 + at)));
      await broker.start();
      expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true);
      await applied(
        process,
        Array.from({ length: 40 }, (_, at) => at),
      );
      process.end();
    });
  });

  describe("with a damaged newest commit", () => {
    it("set it aside and go on from the one before", async () => {
      await withDirectory(async (directory) => {
        const first = await openProcess(broker, directory, 1);
        await first.start();
        await first.send(1);
        await applied(first, [1]);
        first.end();
        await damageNewest(broker);
        const second = await openProcess(broker, directory, 2);
        await second.start();
        await second.send(2);
        await applied(second, [1, 2]);
        await eventually(() => expect(second.damaged.map(({ code }) => code)).toContain("STATE_FORGED"));
        second.end();
      });
    });

    it("end as corrupt when their manifest asks for that", async () => {
      await withDirectory(async (directory) => {
        const first = await openProcess(broker, directory, 1);
        await first.start();
        first.end();
        await damageNewest(broker);
        const second = await openProcess(broker, directory, 2, tillSpec({ onCorruption: "park" }));
        const child = await second.start();
        await second.send(1);
        expect(await child.exited).toMatchObject({
          kind: "failed",
          failure: { class: "corruption", name: "STATE_CORRUPT" },
        });
        second.end();
      });
    });
  });

  it("do not start from a state that is older than one that the node has seen", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      first.end();
      appendFileSync(join(directory, "marks"), markLine(actorMark(PATH), AHEAD));
      const second = await openProcess(broker, directory, 2);
      const child = await second.start();
      await second.send(1);
      expect(await child.exited).toMatchObject({
        kind: "failed",
        failure: { class: "corruption", name: "STATE_ROLLED_BACK" },
      });
      second.end();
    });
  });

  it("do not start from a journal that is older than one that the node has seen", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      first.end();
      appendFileSync(join(directory, "marks"), markLine(journalMark(SHARD), AHEAD));
      const second = await openProcess(broker, directory, 2);
      await expect(second.start()).rejects.toMatchObject({ code: "STATE_ROLLED_BACK" });
      second.end();
    });
  });

  it.each<{ name: string; spoil: (directory: string) => Promise<unknown>; code: string }>([
    {
      name: "damaged",
      spoil: async () => {
        const connection = await broker.connect({ kind: "node", principal: "a" });
        const state = stateStream(connection, broker.cell);
        const last = await state.last(SHARD, PATH);
        const head = { shard: SHARD, path: PATH, pending: false, wakeAtUnixMs: undefined };
        const signal = AbortSignal.timeout(5_000);
        return await state.commit(head, new Uint8Array(100), last?.sequence ?? 0, signal);
      },
      code: "STATE_CORRUPT",
    },
    {
      name: "older than one that the node has seen",
      spoil: async (directory) => appendFileSync(join(directory, "marks"), markLine(actorMark(PATH), AHEAD)),
      code: "STATE_ROLLED_BACK",
    },
  ])("begin anew when an operator asks, though their state is $name", async ({ spoil, code }) => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      await first.send(1);
      await applied(first, [1]);
      first.end();
      await spoil(directory);
      const second = await openProcess(broker, directory, 2, tillSpec({ onCorruption: "park" }));
      const parked = await second.start();
      await second.send(2);
      expect(await parked.exited).toMatchObject({ kind: "failed", failure: { name: code } });
      const before = await second.runtime.kept(PATH);
      second.runtime.beginAnew(PATH, "operator");
      await second.start();
      await eventually(() => expect(second.host()?.entries.at(-1)).toBe(2));
      expect(second.begunAnew).toEqual(["operator"]);
      const after = await second.runtime.kept(PATH);
      expect(after?.commit).toBeGreaterThan(before?.commit ?? 0);
      expect(after?.incarnation?.term).toBe(2);
      second.end();
      const third = await openProcess(broker, directory, 3);
      await third.start();
      await third.send(3);
      await eventually(() => expect(third.host()?.entries.slice(-2)).toEqual([2, 3]));
      expect(third.damaged).toEqual([]);
      third.end();
    });
  });

  it("leave memory when they are idle, and come back for the next intent", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1, tillSpec({ passivateAfterMs: 1_000 }));
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const before = process.host();
      await vi.waitFor(() => expect(process.runtime.awake).toBe(0), { timeout: 10_000, interval: 20 });
      await process.send(2);
      await applied(process, [1, 2]);
      const [earlier, later] = [before, process.host()].map((host) => host?.incarnation.activation ?? 0);
      expect(later).toBeGreaterThan(earlier ?? 0);
      process.end();
    });
  });
});
