import { describe, expect, test } from "vitest";
import {
  afterSecondTry,
  countsOfCargo,
  countsOfVitest,
  failedFiles,
  judge,
  passedLate,
} from "../../scripts/test/counts.mjs";
import { createSections } from "../../scripts/test/output.mjs";

const file = (name: string, status: string, tests: readonly string[] = []) => ({
  name,
  status,
  assertionResults: tests.map((each, index) => ({ status: each, fullName: `${name} ${index}` })),
});

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
      testResults: [
        file("broken.test.ts", "failed"),
        file("red.test.ts", "failed", ["failed", "passed"]),
        file("green.test.ts", "passed", ["passed", "skipped", "pending", "todo"]),
      ],
    };
    expect(countsOfVitest(report)).toEqual({ passed: 2, failed: 2, skipped: 3 });
  });

  test("files that failed are tried again: what they say then counts, and what passed late is named", () => {
    const first = {
      testResults: [
        file("broken.test.ts", "failed", ["skipped"]),
        file("red.test.ts", "failed", ["failed", "failed"]),
        file("green.test.ts", "passed", ["passed"]),
      ],
    };
    expect(failedFiles(first)).toEqual(["broken.test.ts", "red.test.ts"]);
    const second = {
      testResults: [
        file("broken.test.ts", "passed", ["passed"]),
        file("red.test.ts", "failed", ["passed", "failed"]),
      ],
    };
    expect(countsOfVitest(afterSecondTry(first, second))).toEqual({ passed: 3, failed: 1, skipped: 0 });
    expect(passedLate(first, second)).toEqual(["broken.test.ts", "red.test.ts 0"]);
  });

  test("a file that the second run does not name has failed", () => {
    const first = { testResults: [file("red.test.ts", "failed", ["failed"])] };
    expect(countsOfVitest(afterSecondTry(first, { testResults: [] })).failed).toBe(1);
    expect(passedLate(first, { testResults: [] })).toEqual([]);
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
