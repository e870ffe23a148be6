// A restart within a process goes on from what that process committed itself. What must hold
// all the same: a zombie commits nothing, a lost acknowledgement loses nothing, and a state
// that cannot be gone on from is read before it is tried again.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredReply } from "../../../src/actors/durable/ports.ts";
import { CarriedReplies } from "../../../src/runtime/durable/carried-replies.ts";
import { OwnCommits, stateIn } from "../../../src/runtime/durable/own-commits.ts";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import {
  applied,
  eventually,
  openProcess,
  PATH,
  type Process,
  stored,
  tillSpec,
  withDirectory,
} from "./durable-fixture.ts";

/** As its supervisor does after a failure. */
async function restart(process: Process): Promise<void> {
  await process.host()?.kill();
  await process.start();
}

describe("a durable actor that ends while its process goes on", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  it("goes on from what this process committed, without reading it back, in a later incarnation", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      const { reads } = process;
      const activations: number[] = [];
      for (const entry of [1, 2, 3]) {
        await process.send(entry);
        await applied(
          process,
          Array.from({ length: entry }, (_, at) => at + 1),
        );
        activations.push(process.host()?.incarnation.activation ?? 0);
        await restart(process);
      }
      await process.send(4);
      await applied(process, [1, 2, 3, 4]);
      expect(process.reads).toBe(reads);
      expect(activations).toEqual(activations.toSorted((a, b) => a - b));
      expect(new Set(activations).size).toBe(3);
      process.end();
      const next = await openProcess(broker, directory, 2);
      await next.start();
      await next.send(5);
      await applied(next, [1, 2, 3, 4, 5]);
      expect(next.reads).toBeGreaterThan(0);
      next.end();
    });
  });

  it("is given what waited, which its end does not touch", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const host = process.host();
      if (host !== undefined) host.isDeaf = true;
      await Promise.all([2, 3].map((entry) => process.send(entry)));
      await restart(process);
      await applied(process, [1, 2, 3]);
      process.end();
    });
  });

  it("as a zombie's commits nothing, and leaves its successor alone", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1);
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      const host = zombie.host();
      if (host !== undefined) host.isDeaf = true;
      await zombie.send(2);
      const successor = await openProcess(broker, directory, 2);
      await successor.start();
      await applied(successor, [1, 2]);
      await restart(zombie);
      await eventually(() =>
        expect(zombie.host()?.committed).toMatchObject([{ ok: false, error: { code: "ACTOR_FENCED" } }]),
      );
      expect(zombie.fenced.map(({ code }) => code)).toEqual(["ACTOR_FENCED"]);
      await successor.send(3);
      await applied(successor, [1, 2, 3]);
      expect(successor.fenced).toEqual([]);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("as a zombie's that slept takes nothing back from its successor when it wakes", async () => {
    await withDirectory(async (directory) => {
      const zombie = await openProcess(broker, directory, 1, tillSpec({ passivateAfterMs: 1_000 }));
      await zombie.start();
      await zombie.send(1);
      await applied(zombie, [1]);
      await vi.waitFor(() => expect(zombie.runtime.awake).toBe(0), { timeout: 10_000, interval: 20 });
      const successor = await openProcess(broker, directory, 2);
      await successor.start();
      await successor.send(2);
      await applied(successor, [1, 2]);
      const child = zombie.runtime.child(PATH);
      child?.wake();
      expect(await child?.exited).toMatchObject({ kind: "failed", failure: { name: "ACTOR_FENCED" } });
      expect(zombie.fenced.map(({ code }) => code)).toEqual(["ACTOR_FENCED"]);
      await successor.send(3);
      await applied(successor, [1, 2, 3]);
      expect(successor.fenced).toEqual([]);
      for (const each of [zombie, successor]) each.end();
    });
  });

  it("loses nothing when the broker is gone while it commits and it ends before there is word of it", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      const sent = Array.from({ length: 10 }, (_, at) => process.send(at));
      await broker.kill();
      const ended = process.host()?.kill();
      await broker.start();
      await ended;
      await process.start();
      expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true);
      const all = Array.from({ length: 10 }, (_, at) => at);
      await applied(process, all);
      process.end();
      const next = await openProcess(broker, directory, 2);
      await next.start();
      await next.send(10);
      await applied(next, [...all, 10]);
      next.end();
    });
  });

  it("is read before it is tried again when it does not come up", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const { reads } = process;
      process.failNextStart = new Error("this state is not to be gone on from");
      await process.host()?.kill();
      const child = await process.start();
      await process.send(2);
      expect(await child.exited).toMatchObject({ kind: "failed" });
      expect(process.reads).toBe(reads);
      await process.start();
      await applied(process, [1, 2]);
      expect(process.reads).toBe(reads + 1);
      process.end();
    });
  });

  it("gives the answers of its newest commit once more, and has those before it for who asks again", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      for (const id of ["a", "b"]) {
        const host = process.host();
        if (host !== undefined) host.answers = [stored(id)];
        await host?.commit();
      }
      await restart(process);
      await process.send(1);
      await eventually(() => expect(process.host()?.entries).toEqual([1]));
      const { state, answered, isCleared } = process.host()?.awakening ?? {};
      expect(state?.replies.map(({ intentId }) => intentId)).toEqual(["b"]);
      expect(answered?.map(({ intentId }) => intentId)).toEqual(["a"]);
      expect(isCleared).toBe(true);
      process.end();
    });
  });

  it("begins anew when an operator asks for that, and is read then", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const { reads } = process;
      await process.host()?.kill();
      process.runtime.beginAnew(PATH, "ann");
      await process.start();
      await process.send(2);
      await applied(process, [2]);
      expect(process.begunAnew).toEqual(["ann"]);
      expect(process.reads).toBe(reads + 1);
      process.end();
    });
  });

  it("keeps nothing in memory once it sleeps", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1, tillSpec({ passivateAfterMs: 1_000 }));
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const { reads } = process;
      await vi.waitFor(() => expect(process.runtime.awake).toBe(0), { timeout: 10_000, interval: 20 });
      await process.send(2);
      await applied(process, [1, 2]);
      expect(process.reads).toBe(reads + 1);
      process.end();
    });
  });
});

describe("commits that a process remembers", () => {
  const commit = (number: number, bytes: number) => ({
    number,
    incarnation: { term: 1, activation: 1 },
    state: new Uint8Array(bytes),
  });

  it("never take more than their bound, and are the newest of those that have one", () => {
    const writes = fc.array(
      fc.record({ path: fc.constantFrom("a", "b", "c", "d"), bytes: fc.integer({ min: 0, max: 60 }) }),
    );
    fc.assert(
      fc.property(writes, (all) => {
        const own = new OwnCommits(100);
        const newest = new Map<string, number>();
        all.forEach(({ path, bytes }, at) => {
          own.keep(path, commit(at, bytes));
          newest.set(path, at);
        });
        const kept = ["a", "b", "c", "d"].flatMap((path) => own.get(path) ?? []);
        expect(kept.reduce((total, { state }) => total + state.length, 0)).toBeLessThanOrEqual(100);
        for (const [path, number] of newest) expect([undefined, number]).toContain(own.get(path)?.number);
        const last = all.at(-1);
        if (last !== undefined) expect(own.get(last.path)?.number).toBe(all.length - 1);
      }),
    );
  });

  it("hand out a copy each time", () => {
    const state = new TextEncoder().encode(JSON.stringify({ host: { entries: [1] } }));
    const own = { ...commit(1, 0), state };
    const first = stateIn(own);
    expect(first.host).toEqual({ entries: [1] });
    expect(stateIn(own).host).not.toBe(first.host);
  });
});

describe("answers of the last commits", () => {
  it("are the newest commit's and, beside them, those of the three before", () => {
    const carried = new CarriedReplies();
    for (const id of ["a", "b", "c", "d", "e"]) carried.note([stored(id)]);
    const ids = (replies: readonly StoredReply[]) => replies.map(({ intentId }) => intentId);
    expect(ids(carried.left().newest)).toEqual(["e"]);
    expect(ids(carried.left().before)).toEqual(["b", "c", "d"]);
    expect(ids(carried.before([]))).toEqual([]);
  });

  it("of the newest commit are given once more unless it is known that they were", () => {
    const carried = new CarriedReplies();
    carried.note([stored("a")]);
    carried.note([stored("b")]);
    const ids = () => carried.left().newest.map(({ intentId }) => intentId);
    expect(ids()).toEqual(["b"]);
    carried.given();
    expect(ids()).toEqual([]);
    expect(carried.left().before.map(({ intentId }) => intentId)).toEqual(["a", "b"]);
    carried.note([stored("c")]);
    expect(ids()).toEqual(["c"]);
  });

  it("are nobody's once the actor sleeps", () => {
    const carried = new CarriedReplies();
    carried.note([stored("a")]);
    carried.forget();
    expect(carried.left()).toEqual({ newest: [], before: [] });
  });

  it("are carried on as far as there is room, and of the others that there was one", () => {
    const carried = new CarriedReplies();
    const later = { deadlineUnixMs: 2_000 };
    const large = { ...later, outcome: { value: "x".repeat(100_000), final: true } } as const;
    const turnedAway = { error: { code: "A_B", message: "x".repeat(100_000), remedy: "", retryable: false } };
    const replies: StoredReply[] = [
      { ...stored("a"), ...large },
      { ...stored("b"), ...later, outcome: { ...turnedAway, begun: false } },
      { ...stored("c"), ...later },
    ];
    carried.take([{ replies }], 1_000);
    const [a, c, ...more] = carried.before([]);
    expect(a).toMatchObject({ intentId: "a", outcome: { error: { code: "CAPSULE_REPLY_NOT_KEPT" } } });
    expect(a?.returnAddress).toBeNull();
    expect(c).toEqual(replies[2]);
    expect(more).toEqual([]);
  });
});
