import { expect, test, vi } from "vitest";
import { atTurnEnd } from "../../src/transport/turn-end.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("what is left to the end of a turn runs then, in order, and what it leaves there too", async () => {
  const ran: string[] = [];
  atTurnEnd(() => {
    ran.push("first");
    atTurnEnd(() => ran.push("third"));
  });
  atTurnEnd(() => ran.push("second"));
  queueMicrotask(() => ran.push("microtask"));
  expect(ran).toEqual([]);
  await nextTurn();
  expect(ran).toEqual(["microtask", "first", "second", "third"]);
});

test("what throws at the end of a turn keeps nothing else from running", async () => {
  const uncaught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => uncaught.push(error));
  try {
    const ran: string[] = [];
    atTurnEnd(() => {
      throw new RangeError("a bug");
    });
    atTurnEnd(() => ran.push("after"));
    await vi.waitFor(() => expect(ran).toEqual(["after"]));
    expect(uncaught).toEqual([new RangeError("a bug")]);
  } finally {
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});
