// The two test runners: vitest under Node 26, and cargo test.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { countsOfCargo, countsOfVitest, judge } from "./counts.mjs";
import { failed, runPrinting } from "./suite.mjs";

/**
 * @param {readonly string[]} patterns which test files; all of them when empty
 * @returns {import("./suite.mjs").Suite}
 */
export function vitest(patterns) {
  return {
    title: "TypeScript tests (vitest)",
    run: async (context) => {
      const { paths, node } = context;
      const report = join(paths.logs, "test", "vitest.json");
      rmSync(report, { force: true });
      const script = join(paths.modules, "vitest", "vitest.mjs");
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
      // Vitest passes its wish for colours on to what tests start, which then prints otherwise
      // on a terminal than in CI.
      const env = { NO_COLOR: "1" };
      const code = await runPrinting(context, node, [script, "run", ...reporters, ...patterns], { env });
      if (!existsSync(report)) return failed("vitest left no report");
      return judge(countsOfVitest(JSON.parse(readFileSync(report, "utf8"))), code);
    },
  };
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
