// A rehearsal runs what a real failure runs: it has failed and come back as often as it was to,
// durable or not, over nodes that follow on each other, and leaves nothing behind.
import { describe, expect, it } from "vitest";
import { rehearse } from "../../../src/runtime/rehearsal/rehearse.ts";

describe("a rehearsal", () => {
  it("survives each of its failures", async () => {
    expect(await rehearse({ rounds: 32 })).toBe(32);
  });

  it("ends early when it is told to", async () => {
    const end = new AbortController();
    let rounds = 0;
    const survived = await rehearse({
      rounds: 100,
      signal: end.signal,
      pause: async () => {
        rounds += 1;
        if (rounds === 3) end.abort();
      },
    });
    expect(survived).toBe(3);
  });

  it("lets other work go first between two failures", async () => {
    const order: string[] = [];
    const pause = async () => {
      order.push("failure");
      await new Promise((resolve) => setImmediate(resolve));
    };
    const rehearsal = rehearse({ rounds: 8, pause });
    const other = setInterval(() => order.push("other"));
    await rehearsal;
    clearInterval(other);
    expect(order.filter((what) => what === "failure")).toHaveLength(8);
    expect(order.slice(0, order.lastIndexOf("failure"))).toContain("other");
  });
});
