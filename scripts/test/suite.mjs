// What a suite is, and the simplest one: a check that passes or fails as a whole.
import { join } from "node:path";
import { run } from "../setup/command.mjs";

/**
 * @typedef {object} SuiteContext
 * @property {import("../setup/paths.mjs").Paths} paths
 * @property {NodeJS.ProcessEnv} env with node_modules/.bin on its PATH
 * @property {string} node the Node 26 binary
 * @property {(line: string) => void} print goes under the suite's header
 *
 * @typedef {object} SuiteResult
 * @property {import("./counts.mjs").Counts} counts
 * @property {string} [note]
 *
 * @typedef {object} Suite
 * @property {string} title
 * @property {(context: SuiteContext) => Promise<SuiteResult>} run
 */

/** @returns {SuiteResult} */
export const passed = () => ({ counts: { passed: 1, failed: 0, skipped: 0 } });

/** @param {string} [note] @returns {SuiteResult} */
export const failed = (note) => ({
  counts: { passed: 0, failed: 1, skipped: 0 },
  ...(note === undefined ? {} : { note }),
});

/** @param {string} note why; it is shown @returns {SuiteResult} */
export const skipped = (note) => ({ counts: { passed: 0, failed: 0, skipped: 1 }, note });

/**
 * @param {SuiteContext} context
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options]
 * @returns {Promise<number>} the exit code
 */
export async function runPrinting({ paths, env, print }, command, args, options = {}) {
  const log = join(
    paths.logs,
    "test",
    `${command.replace(/\W/g, "-")}-${args[0]?.replace(/\W/g, "-") ?? ""}.log`,
  );
  const { code } = await run(command, args, {
    cwd: options.cwd ?? paths.root,
    env: { ...env, ...options.env },
    log,
    onLine: (line) => {
      print(line);
      options.onLine?.(line);
    },
  });
  return code;
}

/**
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {(context: SuiteContext) => string} [folder] where it runs
 * @returns {Suite}
 */
export function check(title, command, args, folder = ({ paths }) => paths.root) {
  return {
    title,
    run: async (context) =>
      (await runPrinting(context, command, args, { cwd: folder(context) })) === 0 ? passed() : failed(),
  };
}
