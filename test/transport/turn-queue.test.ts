import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Ahead,
  MAX_WAITING,
  MAX_WAITING_BYTES,
  MIN_AHEAD,
  TURN_MS,
  TurnQueue,
} from "../../src/transport/turn-queue.ts";

type Item = { readonly n: number; readonly sender: string };

/** Each piece of work takes a millisecond; turns are made by hand. */
function queueBy(hand: { now: number }, bytes = 100, ahead?: Ahead<Item>) {
  const done: number[] = [];
  const turns: (() => void)[] = [];
  const queue = new TurnQueue<Item>({
    work: ({ n }) => {
      done.push(n);
      hand.now += 1;
    },
    senderOf: ({ sender }) => sender,
    bytesOf: () => bytes,
    nextTurn: (run) => void turns.push(run),
    nowMs: () => hand.now,
    ...(ahead === undefined ? {} : { ahead }),
  });
  return { queue, done, turn: () => turns.shift()?.(), turns };
}

describe("work spread over turns", () => {
  it("is done at once while the turn bears it, and goes on in the next one where it does not", () => {
    const { queue, done, turn, turns } = queueBy({ now: 0 });
    for (let n = 0; n < TURN_MS * 2 + 1; n += 1) expect(queue.add({ n, sender: "alice" })).toBe(true);
    expect(done).toHaveLength(TURN_MS);
    turn();
    expect(done).toHaveLength(TURN_MS * 2);
    turn();
    expect(done).toEqual(Array.from({ length: TURN_MS * 2 + 1 }, (_, n) => n));
    expect(turns).toEqual([]);
  });

  it("takes from one sender half of what may wait, of two a third each, and so on", () => {
    const { queue } = queueBy({ now: 0 });
    const taken = { alice: 0, bob: 0, carol: 0 };
    for (let n = 0; n < MAX_WAITING; n += 1) queue.add({ n, sender: "dave" });
    for (const sender of ["alice", "bob", "carol"] as const) {
      for (let n = 0; n < MAX_WAITING; n += 1) if (queue.add({ n, sender })) taken[sender] += 1;
    }
    expect(taken.alice).toBe(Math.floor(MAX_WAITING / 3));
    expect(queue.size).toBe(MAX_WAITING);
    expect(taken.bob + taken.carol).toBe(MAX_WAITING / 2 - taken.alice);
  });

  it("leaves room for one that comes new, however many take all that they may", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (senders) => {
        const { queue } = queueBy({ now: 0 });
        for (let n = 0; n < MAX_WAITING + TURN_MS; n += 1) queue.add({ n, sender: `s${n % senders}` });
        expect(queue.add({ n: 0, sender: "new" })).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("takes no more bytes of one sender than half of all, so that another's message finds room", () => {
    const { queue } = queueBy({ now: 0 }, 1024 * 1024);
    for (let n = 0; n < 100; n += 1) queue.add({ n, sender: "alice" });
    expect(queue.size * 1024 * 1024).toBe(MAX_WAITING_BYTES / 2);
    expect(queue.add({ n: 0, sender: "bob" })).toBe(true);
  });

  it("does one piece of each sender after the other, so that one waits for one of who floods", () => {
    const { queue, done, turn } = queueBy({ now: 0 });
    for (let n = 0; n < MAX_WAITING; n += 1) queue.add({ n, sender: "mallory" });
    queue.add({ n: 1_000_001, sender: "ann" });
    queue.add({ n: 1_000_002, sender: "ann" });
    turn();
    turn();
    const order = done.slice(TURN_MS);
    expect(order.slice(0, 4)).toEqual([TURN_MS, 1_000_001, TURN_MS + 1, 1_000_002]);
  });

  it("gives each sender as long as the others, however much one piece of theirs takes", () => {
    const hand = { now: 0 };
    const spentMs = { ann: 0, mallory: 0 };
    const turns: (() => void)[] = [];
    const queue = new TurnQueue<{ sender: "ann" | "mallory"; ms: number }>({
      work({ sender, ms }) {
        spentMs[sender] += ms;
        hand.now += ms;
      },
      senderOf: ({ sender }) => sender,
      bytesOf: () => 1,
      nextTurn: (run) => void turns.push(run),
      nowMs: () => hand.now,
    });
    queue.add({ sender: "mallory", ms: TURN_MS });
    for (let n = 0; n < 1_000; n += 1) queue.add({ sender: "mallory", ms: 8 });
    for (let n = 0; n < 1_000; n += 1) queue.add({ sender: "ann", ms: 0.125 });
    while (spentMs.ann < 100) turns.shift()?.();
    expect(spentMs.mallory).toBeGreaterThan(80);
    expect(spentMs.mallory).toBeLessThan(120);
  });

  it("drops what waits of one sender, and nothing else", async () => {
    const { queue, done, turn } = queueBy({ now: 0 });
    for (let n = 0; n < 1_000; n += 1) queue.add({ n, sender: n % 2 === 0 ? "mallory" : "ann" });
    turn();
    const before = done.length;
    const dropped = queue.drop("mallory").map(({ n }) => n);
    expect(queue.drop("mallory")).toEqual([]);
    expect(dropped.every((n) => n % 2 === 0 && !done.includes(n))).toBe(true);
    expect(queue.size).toBe(1_000 - before - dropped.length);
    while (queue.size > 0) turn();
    expect(done.slice(before).every((n) => n % 2 === 1)).toBe(true);
    expect(done.length + dropped.length).toBe(1_000);
    await queue.empty();
  });

  it("takes more once what waited is done", async () => {
    const { queue, turn } = queueBy({ now: 0 });
    for (let n = 0; n < MAX_WAITING; n += 1) queue.add({ n, sender: "alice" });
    expect(queue.add({ n: 0, sender: "alice" })).toBe(false);
    turn();
    expect(queue.add({ n: 0, sender: "alice" })).toBe(true);
    const empty = queue.empty();
    while (queue.size > 0) turn();
    await empty;
    await queue.empty();
  });

  it("keeps the order of each sender and does each piece once, whatever comes between turns", () => {
    const burst = fc.array(fc.constantFrom("alice", "bob", "carol"), { maxLength: 300 * TURN_MS });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 20 }), (bursts) => {
        const { queue, done, turn } = queueBy({ now: 0 });
        const sent: string[] = [];
        for (const senders of bursts) {
          for (const sender of senders) queue.add({ n: sent.push(sender) - 1, sender });
          turn();
        }
        while (queue.size > 0) turn();
        expect(done.toSorted((a, b) => a - b)).toEqual(sent.map((_, n) => n));
        for (const sender of ["alice", "bob", "carol"]) {
          const own = done.filter((n) => sent[n] === sender);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe("work ahead", () => {
  /** Groups are done when the test says so. */
  function aheadBy(hand: { now: number }, isWorth: () => boolean = () => true) {
    const groups: { readonly items: readonly Item[]; readonly finish: () => Promise<void> }[] = [];
    const scene = queueBy(hand, 100, (items) => {
      if (!isWorth()) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      const finish = async () => {
        resolve();
        await promise;
      };
      groups.push({ items, finish });
      return promise;
    });
    const addAll = (count: number, senders: number, from = 0) => {
      for (let n = from; n < from + count; n += 1) scene.queue.add({ n, sender: `s${n % senders}` });
    };
    return { ...scene, groups, addAll };
  }

  it("is done on what waits of many senders, a few of each, and nothing else waits for it", async () => {
    const { queue, groups, done, turn, addAll } = aheadBy({ now: 0 });
    addAll(TURN_MS, 1);
    addAll(MIN_AHEAD * 10, MIN_AHEAD, TURN_MS);
    turn();
    expect(groups.map(({ items }) => items.length)).toEqual([MIN_AHEAD * 4, MIN_AHEAD * 4]);
    const waitsFor = new Set(groups.flatMap(({ items }) => items.map(({ n }) => n)));
    expect(done.every((n) => !waitsFor.has(n))).toBe(true);
    queue.add({ n: 1_000_000, sender: "ann" });
    const [, held] = groups;
    const finishAll = async (but?: typeof held) => {
      for (const group of groups) if (group !== but) await group.finish();
      await Promise.resolve();
    };
    while (!done.includes(1_000_000)) {
      await finishAll(held);
      turn();
    }
    expect(held?.items.every(({ n }) => !done.includes(n))).toBe(true);
    while (queue.size > 0) {
      await finishAll();
      turn();
    }
    expect(new Set(done).size).toBe(TURN_MS + MIN_AHEAD * 10 + 1);
  });

  it("is not begun for few senders, or too few items, nor again for what was not worth it", () => {
    let asked = 0;
    const few = aheadBy({ now: 0 });
    few.addAll(1_000, MIN_AHEAD - 1);
    few.turn();
    expect(few.groups).toEqual([]);
    const unworthy = aheadBy({ now: 0 }, () => {
      asked += 1;
      return false;
    });
    unworthy.addAll(TURN_MS, 1);
    unworthy.addAll(MIN_AHEAD * 4, MIN_AHEAD, TURN_MS);
    while (unworthy.queue.size > 0) unworthy.turn();
    expect([asked, unworthy.done.length]).toEqual([1, TURN_MS + MIN_AHEAD * 4]);
  });

  it("lets the loop rest while all wait for it, and goes on when it is done, or has failed", async () => {
    const { queue, groups, done, turn, turns, addAll } = aheadBy({ now: 0 });
    addAll(TURN_MS, 1);
    addAll(MIN_AHEAD, MIN_AHEAD, TURN_MS);
    turn();
    expect([done.length, turns.length]).toEqual([TURN_MS, 0]);
    const empty = queue.empty();
    await groups[0]?.finish();
    await Promise.resolve();
    while (queue.size > 0) turn();
    await empty;
    expect(done.length).toBe(TURN_MS + MIN_AHEAD);
  });

  it("goes on with who has to have time first, while all the others wait for it", () => {
    const hand = { now: 0 };
    const done: string[] = [];
    const turns: (() => void)[] = [];
    const queue = new TurnQueue<{ sender: string; ms: number }>({
      work({ sender, ms }) {
        done.push(sender);
        hand.now += ms;
      },
      senderOf: ({ sender }) => sender,
      bytesOf: () => 1,
      nextTurn: (run) => void turns.push(run),
      nowMs: () => hand.now,
      ahead: (items) => (items.some(({ sender }) => sender === "ann") ? undefined : new Promise(() => {})),
    });
    queue.add({ sender: "first", ms: TURN_MS });
    for (const ms of [8, 1, 1, 1]) queue.add({ sender: "ann", ms });
    turns.shift()?.();
    expect(done).toEqual(["first", "ann"]);
    for (let n = 0; n < 2 * MIN_AHEAD; n += 1) queue.add({ sender: `s${n}`, ms: 1 });
    // Ann's were looked at before.
    queue.add({ sender: "other", ms: 1 });
    for (let turn = 0; turn < 1_000 && done.filter((name) => name === "ann").length < 4; turn += 1)
      turns.shift()?.();
    expect(done.filter((name) => name === "ann")).toHaveLength(4);
  });

  it("drops what waits of a sender meanwhile", async () => {
    const { queue, groups, done, turn, addAll } = aheadBy({ now: 0 });
    addAll(TURN_MS, 1);
    addAll(MIN_AHEAD * 2, MIN_AHEAD, TURN_MS);
    turn();
    const dropped = queue.drop("s5").map(({ n }) => n);
    expect(dropped).toHaveLength(2);
    await groups[0]?.finish();
    await Promise.resolve();
    while (queue.size > 0) turn();
    expect(done.filter((n) => dropped.includes(n))).toEqual([]);
    expect(done.length).toBe(TURN_MS + MIN_AHEAD * 2 - 2);
  });

  it("keeps the order of each sender and does each piece once, in whatever order groups are done", async () => {
    const burst = fc.array(fc.nat({ max: 40 }), { maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(burst, fc.boolean()), { maxLength: 15 }), async (steps) => {
        const { queue, groups, done, turn } = aheadBy({ now: 0 });
        const sent: string[] = [];
        const finish = async (last: boolean) => {
          await (last ? groups.pop() : groups.shift())?.finish();
          await Promise.resolve();
        };
        for (const [senders, last] of steps) {
          for (const sender of senders) queue.add({ n: sent.push(`s${sender}`) - 1, sender: `s${sender}` });
          turn();
          if (groups.length > 1) await finish(last);
        }
        while (queue.size > 0) {
          turn();
          await finish(true);
        }
        expect(done.toSorted((a, b) => a - b)).toEqual(sent.map((_, n) => n));
        for (const sender of new Set(sent)) {
          const own = done.filter((n) => sent[n] === sender);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
