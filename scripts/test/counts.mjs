// Reads how many tests passed, failed and were skipped out of what the test runners print.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @type {Counts} */
export const NONE = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {readonly Counts[]} counts
 * @returns {Counts}
 */
export function sum(counts) {
  return counts.reduce(
    (total, one) => ({
      passed: total.passed + one.passed,
      failed: total.failed + one.failed,
      skipped: total.skipped + one.skipped,
    }),
    NONE,
  );
}

/**
 * From vitest's JSON report. A file that could not even be loaded holds no tests: it counts as one failure.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: readonly { status: string, assertionResults: readonly { status: string }[] }[] }} report
 * @returns {Counts}
 */
export function countsOfVitest(report) {
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((assertion) => assertion.status !== "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * From the `test result:` line that each test binary of `cargo test` ends with.
 * @param {readonly string[]} lines
 * @returns {Counts}
 */
export function countsOfCargo(lines) {
  return sum(
    lines.flatMap((line) => {
      const match = /^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
      return match ? [{ passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) }] : [];
    }),
  );
}

/**
 * A suite that ran nothing has failed, and so has one whose exit code says so while its counts do not.
 * @param {Counts} counts
 * @param {number} exitCode
 * @returns {{ counts: Counts, note?: string }}
 */
export function judge(counts, exitCode) {
  if (counts.passed + counts.failed === 0) {
    return { counts: { ...counts, failed: 1 }, note: "no test ran: that counts as a failure" };
  }
  if (exitCode !== 0 && counts.failed === 0) {
    return {
      counts: { ...counts, failed: 1 },
      note: `every test passed, but the runner ended with ${exitCode}: that counts as a failure`,
    };
  }
  return { counts };
}
