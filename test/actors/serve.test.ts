import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CellError, intent, serveActor } from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const number = z.object({ n: z.number() });
const intents = {
  double: intent({ payload: number, reply: number }),
  gated: intent({ payload: number, reply: number }),
  stream: intent({ payload: number, reply: number }),
  fail: intent({ reply: number }),
  bug: intent(),
  note: intent({ payload: number }),
  wrong: intent({ reply: number }),
};

function served(concurrency = 2) {
  const gate = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const behaviour = serveActor<{ readonly factor: number; readonly tool: () => string }, typeof intents>({
    intents,
    concurrency,
    handlers: {
      double: async ({ n }, _meta, { input }) => ({ n: n * input.factor }),
      gated: async ({ n }, meta, { signal }) => {
        seen.push({ n, type: meta.type });
        signal.addEventListener("abort", () => seen.push(`aborted ${n}`));
        await gate.promise;
        return { n };
      },
      stream: async ({ n }, _meta, { partial, log }) => {
        for (let part = 0; part < n; part++) partial({ n: part });
        log("streamed", "warn");
        return { n };
      },
      fail: async () => {
        throw new CellError("ACTOR_NOT_FOUND", "no such thing");
      },
      bug: () => {
        throw new TypeError("boom");
      },
      note: async ({ n }, _meta, { input }) => {
        await gate.promise;
        seen.push(`${input.tool()} ${n}`);
      },
      wrong: async () => JSON.parse('{"n":"text"}'),
    },
  });
  return { behaviour, gate, seen };
}
const input = { factor: 2, tool: () => "tool" };

describe("an actor made of functions", () => {
  test("answers with what a function returns, and reaches what its input holds", async () => {
    await using actor = testActor(served().behaviour, { input });
    expect(await actor.request("double", { n: 4 })).toEqual({ n: 8 });
    expect(actor.state).toBe("serving");
  });

  test("handles several at once, and leaves the rest in the mailbox", async () => {
    const { behaviour, gate, seen } = served(2);
    await using actor = testActor(behaviour, { input });
    const all = await Promise.all([1, 2, 3].map((n) => actor.deliver("gated", { n })));
    expect(seen).toEqual([
      { n: 1, type: "gated" },
      { n: 2, type: "gated" },
    ]);
    expect(actor.host.stats()).toMatchObject({ openRequests: 2, mailboxDepth: 1 });
    gate.resolve();
    await actor.settle();
    expect(all.flatMap(({ replies }) => replies)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test("sends parts before the end, in order, and logs", async () => {
    await using actor = testActor(served().behaviour, { input });
    expect(await actor.deliver("stream", { n: 2 })).toMatchObject({
      answered: true,
      replies: [{ n: 0 }, { n: 1 }, { n: 2 }],
    });
    expect(actor.logs).toEqual([{ level: "warn", message: "streamed" }]);
  });

  test("answers a coded error as it is, and goes on", async () => {
    await using actor = testActor(served().behaviour, { input });
    await expect(actor.request("fail", {})).rejects.toMatchObject({
      code: "ACTOR_NOT_FOUND",
      message: "no such thing",
    });
    expect(await actor.request("double", { n: 1 })).toEqual({ n: 2 });
  });

  test("fails by any other error, and starts afresh", async () => {
    await using actor = testActor(served().behaviour, { input });
    await expect(actor.request("bug", {})).rejects.toMatchObject({ code: "ACTOR_CRASHED" });
    expect(actor.exit).toMatchObject({ failure: { message: "boom", intent: { type: "bug" } } });
    expect(actor.host.lastGoodSnapshot()).toBeUndefined();
    await actor.restart();
    expect(await actor.request("double", { n: 1 })).toEqual({ n: 2 });
  });

  test("answers an intent without a reply once its function is done", async () => {
    const { behaviour, gate, seen } = served();
    await using actor = testActor(behaviour, { input });
    const noted = await actor.deliver("note", { n: 5 });
    expect(noted.answered).toBe(false);
    gate.resolve();
    await actor.settle();
    expect(noted).toMatchObject({ answered: true, replies: [{}] });
    expect(seen).toEqual(["tool 5"]);
  });

  test("aborts what runs when it is stopped", async () => {
    const { behaviour, seen } = served();
    const actor = testActor(behaviour, { input });
    await actor.deliver("gated", { n: 1 });
    await actor.host.kill();
    expect(seen).toContain("aborted 1");
  });

  test("checks its replies", async () => {
    await using actor = testActor(served().behaviour, { input });
    await expect(actor.request("wrong", {})).rejects.toMatchObject({ code: "ACTOR_REPLY_INVALID" });
  });
});
