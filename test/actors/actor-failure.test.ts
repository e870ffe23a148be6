import { expect, test } from "vitest";
import { actorFailure } from "../../src/actors/actor-failure.ts";

/** More than any system has. */
const TOO_MUCH = 2 ** 46;

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test.each([
  ["a buffer that the system refuses", "exhaustion", () => new ArrayBuffer(TOO_MUCH)],
  ["a buffer of Node's that it refuses", "exhaustion", () => Buffer.allocUnsafe(TOO_MUCH)],
  ["a shared one", "exhaustion", () => new SharedArrayBuffer(TOO_MUCH)],
  ["a length that no buffer has", "crash", () => new ArrayBuffer(-1)],
  ["any other range error", "crash", () => (1).toFixed(1_000)],
])("%s is a failure of class %s", (_what, failureClass, work) => {
  const site = { path: "a/b", origin: "transition", event: undefined, intent: undefined } as const;
  expect(actorFailure(thrownBy(work), site).class).toBe(failureClass);
});
