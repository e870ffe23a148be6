// Reads how many tests passed, failed and were skipped out of what the test runners print.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * Of vitest's JSON report, what is read here.
 * @typedef {{ status: string, fullName: string }} VitestTest
 * @typedef {{ name: string, status: string, assertionResults: readonly VitestTest[] }} VitestFile
 * @typedef {{ testResults: readonly VitestFile[] }} VitestReport
 */

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
 * A file that could not even be loaded holds no tests that failed: it counts as one failure.
 * @param {VitestReport} report
 * @returns {Counts}
 */
export function countsOfVitest({ testResults }) {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  /** @param {readonly string[]} statuses */
  const having = (...statuses) => all.filter(({ status }) => statuses.includes(status)).length;
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  const [passed, failed] = [having("passed"), having("failed")];
  return { passed, failed: failed + broken.length, skipped: all.length - passed - failed };
}

/**
 * @param {VitestReport} report
 * @returns {readonly string[]}
 */
export const failedFiles = ({ testResults }) =>
  testResults.filter(({ status }) => status === "failed").map(({ name }) => name);

/**
 * The first report, with what a second run says of the files that failed. One that it does not name has failed.
 * @param {VitestReport} first
 * @param {VitestReport} second
 * @returns {VitestReport}
 */
export function afterSecondTry(first, second) {
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  return {
    testResults: first.testResults.map((file) =>
      file.status === "failed" ? (again.get(file.name) ?? file) : file,
    ),
  };
}

/**
 * Tests that failed and then passed, and files that broke and then did not.
 * @param {VitestReport} first
 * @param {VitestReport} second
 * @returns {readonly string[]}
 */
export function passedLate(first, second) {
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  return first.testResults.flatMap(({ name, status, assertionResults }) => {
    const now = again.get(name);
    if (status !== "failed" || now === undefined) return [];
    const passed = new Set(
      now.assertionResults.flatMap((test) => (test.status === "passed" ? test.fullName : [])),
    );
    const late = assertionResults.flatMap((test) =>
      test.status === "failed" && passed.has(test.fullName) ? test.fullName : [],
    );
    return late.length === 0 && now.status === "passed" ? [name] : late;
  });
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
