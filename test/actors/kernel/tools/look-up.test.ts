import { describe, expect, it } from "vitest";
import { fewAtATime } from "../../../../src/actors/kernel/tools/http/look-up.ts";

const NEVER = new AbortController().signal;

/** Look-ups that end when they are told to. */
function world() {
  const begun: string[] = [];
  const ends = new Map<string, (addresses: readonly string[]) => void>();
  const lookUp = fewAtATime((name) => {
    begun.push(name);
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    ends.set(name, resolve);
    return promise;
  }, 2);
  return { begun, lookUp, end: (name: string) => ends.get(name)?.(["192.0.2.1"]) };
}
const turns = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe("look-ups of names", () => {
  it("are two at a time, however many hang, and begin in order", async () => {
    const { begun, lookUp, end } = world();
    const all = ["a", "b", "c", "d"].map((name) => lookUp(name, NEVER));
    await turns();
    expect(begun).toEqual(["a", "b"]);
    end("b");
    expect(await all[1]).toEqual(["192.0.2.1"]);
    await turns();
    expect(begun).toEqual(["a", "b", "c"]);
    for (const name of ["a", "c"]) end(name);
    await turns();
    end("d");
    await Promise.all(all);
  });

  it("are not begun for a call that is over before its turn", async () => {
    const { begun, lookUp, end } = world();
    const calls = ["a", "b"].map((name) => lookUp(name, NEVER));
    const over = new AbortController();
    void lookUp("late", over.signal);
    const next = lookUp("next", NEVER);
    await turns();
    over.abort();
    for (const name of ["a", "b"]) end(name);
    await Promise.all(calls);
    await turns();
    expect(begun).toEqual(["a", "b", "next"]);
    end("next");
    expect(await next).toEqual(["192.0.2.1"]);
  });
});
