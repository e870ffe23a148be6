// The two test runners: vitest under Node 26, and cargo test.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { afterSecondTry, countsOfCargo, countsOfVitest, failedFiles, judge, passedLate } from "./counts.mjs";
import { failed, runPrinting } from "./suite.mjs";

/** @typedef {import("./suite.mjs").SuiteContext} SuiteContext */
/** @typedef {import("./counts.mjs").VitestReport} VitestReport */

/** More files than this do not fail by chance. */
const MAX_TRIED_AGAIN = 4;

/**
 * @param {readonly string[]} patterns which test files; all of them when empty: then the few
 *   that fail are run once more, each by itself, and named when they pass
 * @returns {import("./suite.mjs").Suite}
 */
export function vitest(patterns) {
  return {
    title: "TypeScript tests (vitest)",
    run: async (context) => {
      const first = await runVitest(context, patterns);
      if (first.report === undefined) return failed("vitest left no report");
      const counts = countsOfVitest(first.report);
      const again = failedFiles(first.report);
      const isWorthIt = patterns.length === 0 && again.length > 0 && again.length <= MAX_TRIED_AGAIN;
      if (!isWorthIt) return judge(counts, first.code);
      context.print("Once more, by themselves:");
      for (const file of again) context.print(`  ${relative(context.paths.root, file)}`);
      const second = await runVitest(context, ["--maxWorkers=1", ...again]);
      if (second.report === undefined) return judge(counts, first.code);
      const both = countsOfVitest(afterSecondTry(first.report, second.report));
      const late = passedLate(first.report, second.report);
      const judged = judge(both, second.code);
      return late.length === 0 ? judged : { note: `passed at the second try: ${late.join("; ")}`, ...judged };
    },
  };
}

/**
 * @param {SuiteContext} context
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, report: VitestReport | undefined }>}
 */
async function runVitest(context, args) {
  const { paths, node } = context;
  const report = join(paths.logs, "test", "vitest.json");
  rmSync(report, { force: true });
  const script = join(paths.modules, "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  // Vitest passes its wish for colours on to what tests start, which then prints otherwise
  // on a terminal than in CI.
  const env = { NO_COLOR: "1" };
  const code = await runPrinting(context, node, [script, "run", ...reporters, ...args], { env });
  return { code, report: existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined };
}

/** @type {import("./suite.mjs").Suite} */
export const cargoTest = {
  title: "Rust tests (cargo test)",
  run: async (context) => {
    /** @type {string[]} */
    const lines = [];
    const args = ["test", "--locked", "--no-fail-fast"];
    const code = await runPrinting(context, "cargo", args, {
      cwd: context.paths.rustCore,
      onLine: (line) => lines.push(line),
    });
    return judge(countsOfCargo(lines), code);
  },
};
