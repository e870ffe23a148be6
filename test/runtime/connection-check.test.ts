import { expect, test } from "vitest";
import { isRead } from "../../src/runtime/connection-check.ts";

const never = new Promise<void>(() => {});
const gone = () => Promise.reject(new Error("closed"));

test.each([
  ["that answers", true, () => Promise.resolve(), true],
  ["that stays silent", true, () => never, false],
  ["that breaks while it claims to be there", true, gone, false],
  ["that is down, and so is followed", false, () => never, true],
])("a connection %s", async (_what, connected, flush, sound) => {
  expect(await isRead({ isConnected: () => connected, flush }, 10)).toBe(sound);
});

test("a connection that goes down while it is asked", async () => {
  let connected = true;
  const flush = () => {
    connected = false;
    return never;
  };
  expect(await isRead({ isConnected: () => connected, flush }, 10)).toBe(true);
});
