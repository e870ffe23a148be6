import { describe, expect, it, vi } from "vitest";
import { BoundedQueue } from "../../../src/transport/client/bounded-queue.ts";

describe("a bounded queue", () => {
  it("hands on what was pushed before and after somebody waits, then ends", async () => {
    const queue = new BoundedQueue<string>(2, () => undefined);
    queue.push("a");
    const seen: string[] = [];
    const reading = (async () => {
      for await (const value of queue) seen.push(value);
    })();
    queue.push("b");
    queue.end();
    queue.push("c");
    await reading;
    expect(seen).toEqual(["a", "b"]);
  });

  it("says when there is no room", () => {
    const queue = new BoundedQueue<string>(1, () => undefined);
    expect([queue.push("a"), queue.push("b")]).toEqual([true, false]);
  });

  it("gives its error after what was queued, once", async () => {
    const queue = new BoundedQueue<string>(1, () => undefined);
    queue.push("a");
    queue.end(new Error("enough"));
    queue.end();
    expect(await queue.next()).toEqual({ done: false, value: "a" });
    await expect(queue.next()).rejects.toThrow("enough");
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it("tells its owner that the reader left early, and only then", async () => {
    const left = vi.fn();
    const queue = new BoundedQueue<string>(1, left);
    queue.push("a");
    for await (const _value of queue) break;
    await queue.return();
    expect(left).toHaveBeenCalledTimes(1);
    const ended = new BoundedQueue<string>(1, left);
    ended.end();
    await ended.return();
    expect(left).toHaveBeenCalledTimes(1);
  });
});
