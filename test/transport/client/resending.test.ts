import fc from "fast-check";
import { expect, test } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { fromWireError } from "../../../src/security/replies/wire-error.ts";
import { waitAfterRefusalMs, waitForAnswerMs } from "../../../src/transport/client/resending.ts";

const attempts = { ageMs: 0, unanswered: 0, refused: 0 };
const MIDDLE = 0.5;

test("waits twice as long each time that nobody answers", () => {
  const waits = [0, 1, 2, 3].map((unanswered) => waitForAnswerMs({ ...attempts, unanswered }, MIDDLE));
  expect(waits).toEqual([100, 200, 400, 800]);
});

test("what dying processes swallow one after the other is sent to the next one for twenty seconds", () => {
  let ageMs = 0;
  for (let unanswered = 0; ; unanswered += 1) {
    const waitMs = waitForAnswerMs({ ageMs, unanswered, refused: 0 }, MIDDLE);
    if (waitMs === undefined) break;
    expect(waitMs).toBeLessThanOrEqual(3_200);
    ageMs += waitMs;
  }
  expect(ageMs).toBeGreaterThan(20_000);
});

test.each([
  "CELL_NOT_ACCEPTING",
  "CELL_STOPPING",
  "CAPABILITY_REVOCATIONS_UNHEARD",
  "ACTOR_NOT_RUNNING",
] as const)("after %s it comes again soon, then at a bound", (code) => {
  const error = new CellError(code);
  const waits = [0, 1, 2, 20].map((refused) => waitAfterRefusalMs(error, { ...attempts, refused }, MIDDLE));
  expect(waits).toEqual([20, 40, 80, 250]);
});

test("when nobody listened it waits for one that knocks, and comes again by itself only later", () => {
  const error = new CellError("BROKER_NO_RESPONDERS");
  const waits = [0, 1, 20].map((refused) => waitAfterRefusalMs(error, { ...attempts, refused }, MIDDLE));
  expect(waits).toEqual([500, 500, 500]);
});

test.each(["ACTOR_CRASHED", "ACTOR_NOT_FOUND", "CAPSULE_STALE"] as const)("%s is the answer", (code) => {
  expect(waitAfterRefusalMs(new CellError(code), attempts, MIDDLE)).toBeUndefined();
});

test("an actor that does not run for a second is down by somebody's hand", () => {
  const error = new CellError("ACTOR_NOT_RUNNING");
  expect(waitAfterRefusalMs(error, { ...attempts, ageMs: 1_001 }, MIDDLE)).toBeUndefined();
});

test("nothing is sent again that a node would call stale, nor more often than a node repeats an answer", () => {
  const any = fc.record({
    ageMs: fc.double({ min: 0, max: 3_600_000, noNaN: true }),
    unanswered: fc.nat(40),
    refused: fc.nat(1_000),
  });
  fc.assert(
    fc.property(any, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (made, random) => {
      const waits = [
        waitForAnswerMs(made, random),
        waitAfterRefusalMs(new CellError("CELL_STOPPING"), made, random),
      ];
      for (const waitMs of waits) if (waitMs !== undefined) expect(made.ageMs + waitMs).toBeLessThan(30_000);
      if (made.unanswered >= 12) expect(waits[0]).toBeUndefined();
    }),
  );
});

test.each(["CAPABILITY_UNDECIDED", "CAPSULE_SIGNATURE_UNDECIDED", "ACTOR_MAILBOX_FULL"] as const)(
  "%s is sent again no sooner than the node says, later and later",
  (code) => {
    const error = new CellError(code, undefined, { retryAfterMs: 400 });
    const wait = (refused: number, random: number) =>
      waitAfterRefusalMs(error, { ...attempts, refused }, random);
    expect([wait(0, 0), wait(20, 0)]).toEqual([400, 400]);
    expect([0, 1, 2, 3, 20].map((refused) => wait(refused, 1))).toEqual([800, 1_200, 2_000, 3_600, 3_600]);
    expect(waitAfterRefusalMs(error, { ...attempts, ageMs: 24_700 }, 0)).toBeUndefined();
  },
);

test("an error of another version is heeded by its advice", () => {
  const told = { message: "", remedy: "", code: "ACTOR_OF_TOMORROW" };
  const wait = (retryable: boolean, retryAfterMs: number) =>
    waitAfterRefusalMs(fromWireError({ ...told, retryable, retryAfterMs }), attempts, 0);
  expect([wait(true, 70), wait(true, 0), wait(false, 70)]).toEqual([70, undefined, undefined]);
});
