import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_WAITING, TURN_MS, TurnQueue } from "../../src/transport/turn-queue.ts";

type Item = { readonly n: number; readonly sender: string };

/** Each piece of work takes a millisecond; turns are made by hand. */
function queueBy(hand: { now: number }) {
  const done: number[] = [];
  const turns: (() => void)[] = [];
  const queue = new TurnQueue<Item>({
    work: ({ n }) => {
      done.push(n);
      hand.now += 1;
    },
    senderOf: ({ sender }) => sender,
    bytesOf: () => 100,
    nextTurn: (run) => void turns.push(run),
    nowMs: () => hand.now,
  });
  return { queue, done, turn: () => turns.shift()?.(), turns };
}

describe("work spread over turns", () => {
  it("is done at once while the turn bears it, and goes on in the next one where it does not", () => {
    const { queue, done, turn, turns } = queueBy({ now: 0 });
    for (let n = 0; n < TURN_MS * 2 + 5; n += 1) expect(queue.add({ n, sender: "alice" })).toBe(true);
    expect(done).toHaveLength(TURN_MS);
    turn();
    expect(done).toHaveLength(TURN_MS * 2);
    turn();
    expect(done).toEqual(Array.from({ length: TURN_MS * 2 + 5 }, (_, n) => n));
    expect(turns).toEqual([]);
  });

  it("takes from one sender half of what may wait, and the rest from others", () => {
    const { queue } = queueBy({ now: 0 });
    const taken = { alice: 0, bob: 0 };
    for (const sender of ["alice", "bob"] as const) {
      for (let n = 0; n < MAX_WAITING; n += 1) if (queue.add({ n, sender })) taken[sender] += 1;
    }
    expect(taken).toEqual({ alice: TURN_MS + MAX_WAITING / 2, bob: MAX_WAITING / 2 });
    expect(queue.add({ n: 0, sender: "carol" })).toBe(false);
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

  it("keeps the order and does each piece once, whatever comes between turns", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 * TURN_MS }), { maxLength: 20 }), (bursts) => {
        const { queue, done, turn } = queueBy({ now: 0 });
        let next = 0;
        for (const burst of bursts) {
          for (let at = 0; at < burst; at += 1) queue.add({ n: next++, sender: "alice" });
          turn();
        }
        while (queue.size > 0) turn();
        expect(done).toEqual(Array.from({ length: next }, (_, n) => n));
      }),
    );
  });
});
