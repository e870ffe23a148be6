// Brings a checkout to where a cell can run: npm packages with Node 26, the Rust core and
// nats-server. Each part is skipped when it is done already; what is missing is made side by
// side, for npm waits on the network while cargo waits on the processor.
import { endCommands, withoutLocalBin } from "./command.mjs";
import { dependenciesAreDone, installDependencies } from "./dependencies.mjs";
import { takeLock } from "./lock.mjs";
import { findNatsServer, getNatsServer } from "./nats-server.mjs";
import { checkout } from "./paths.mjs";
import { buildCore, coreBinary, coreIsDone, coreNote } from "./rust-core.mjs";
import { checkToolchain } from "./toolchain.mjs";

/**
 * @typedef {object} Ready
 * @property {string} node the Node 26 binary
 * @property {string} coreBin
 * @property {string} natsServerBin
 *
 * @param {import("./report.mjs").Report} report
 * @param {{ paths?: import("./paths.mjs").Paths, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Ready>} throws a SetupError
 */
export async function setUp(report, { paths = checkout, env = process.env } = {}) {
  const context = { paths, env: withoutLocalBin(env), report };
  let found = await findNatsServer(context);
  if (!(found && dependenciesAreDone(context) && coreIsDone(context))) {
    const release = await takeLock(paths.lock, (holder) =>
      report.line(`  … another set-up of this checkout is running (pid ${holder}); waiting for it`),
    );
    try {
      await makeWhatIsMissing(context);
    } finally {
      release();
    }
    found = await findNatsServer(context);
  } else {
    report.step("set-up").skipped(`done before (nats-server ${found.note})`);
  }
  return { node: paths.node, coreBin: coreBinary(context), natsServerBin: found?.path ?? paths.natsBin };
}

/** @param {import("./dependencies.mjs").SetupContext} context */
async function makeWhatIsMissing(context) {
  const { report } = context;
  const needs = { npm: !dependenciesAreDone(context), rust: !coreIsDone(context) };
  const server = await findNatsServer(context);
  if (needs.npm || needs.rust) await checkToolchain(context, needs);
  /** @type {Promise<void>[]} */
  const work = [];
  if (needs.npm) work.push(installDependencies(context));
  else report.step("dependencies").skipped("installed before");
  if (needs.rust) work.push(buildCore(context));
  else report.step("Rust core").skipped(coreNote(context));
  if (!server) work.push(getNatsServer(context));
  else report.step("nats-server").skipped(server.note);
  await firstFailure(work);
}

/**
 * Waits for all. The first failure is the one to show; the commands of the others are ended,
 * not left running.
 * @param {readonly Promise<void>[]} work
 */
async function firstFailure(work) {
  /** @type {unknown[]} */
  const failures = [];
  const guarded = work.map((part) =>
    part.catch((error) => {
      failures.push(error);
      return endCommands();
    }),
  );
  await Promise.all(guarded);
  if (failures.length > 0) throw failures[0];
}
