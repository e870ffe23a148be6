import { describe, expect, test } from "vitest";
import { countsOfCargo, countsOfVitest, judge } from "../../scripts/test/counts.mjs";
import { createSections } from "../../scripts/test/output.mjs";

describe("counts", () => {
  test("cargo's are added up over its test binaries", () => {
    const lines = [
      "running 3 tests",
      "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
      "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ];
    expect(countsOfCargo(lines)).toEqual({ passed: 7, failed: 2, skipped: 1 });
  });

  test("a test file that does not load counts as one failure", () => {
    const report = {
      numPassedTests: 4,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 1,
      testResults: [
        { status: "failed", assertionResults: [] },
        { status: "failed", assertionResults: [{ status: "failed" }] },
        { status: "passed", assertionResults: [{ status: "passed" }] },
      ],
    };
    expect(countsOfVitest(report)).toEqual({ passed: 4, failed: 2, skipped: 3 });
  });

  test.each([
    ["a suite that ran no test has failed", { passed: 0, failed: 0, skipped: 9 }, 0, 1],
    ["a runner's bad exit counts when no test failed", { passed: 3, failed: 0, skipped: 0 }, 1, 1],
    ["a bad exit that its tests explain is not counted twice", { passed: 3, failed: 2, skipped: 0 }, 1, 2],
    ["a good run stays good", { passed: 3, failed: 0, skipped: 1 }, 0, 0],
  ])("%s", (_what, counts, exitCode, failed) => {
    expect(judge(counts, exitCode).counts.failed).toBe(failed);
  });
});

test("suites that run side by side are shown one after the other", () => {
  let text = "";
  const screen = {
    write: (part: string) => {
      text += part;
      return true;
    },
  };
  const [one, two] = createSections(["one", "two"], screen, {});
  two?.print("second");
  one?.print("first");
  expect(text).toBe("\n== one\nfirst\n");
  two?.end({ passed: 1, failed: 0, skipped: 0 }, undefined, 5);
  one?.end({ passed: 0, failed: 1, skipped: 0 }, "a note", 5);
  expect(text).toBe(
    "\n== one\nfirst\na note\n✘ 0 passed, 1 failed, 0 skipped  5 ms\n\n== two\nsecond\n✔ 1 passed, 0 failed, 0 skipped  5 ms\n",
  );
});
