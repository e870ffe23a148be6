// npm test: sets up what is missing, then every check and test there is, all of them even
// when one fails. `npm test -- PATTERN...` runs only the TypeScript tests that match.
// The last line is always `N passed, N failed, N skipped`.
import { requireNode20 } from "./setup/require-node-20.mjs";

requireNode20();

const { endCommands } = await import("./setup/command.mjs");
const { withDependencies } = await import("./setup/dependencies.mjs");
const { checkout } = await import("./setup/paths.mjs");
const { formatDuration, painter } = await import("./setup/report.mjs");
const { setUpOrExit } = await import("./setup/session.mjs");
const { sum } = await import("./test/counts.mjs");
const { createSections, verdict } = await import("./test/output.mjs");
const { cargoTest, vitest } = await import("./test/runners.mjs");
const { check } = await import("./test/suite.mjs");
const { breaking, generated } = await import("./test/wire.mjs");

/** @typedef {import("./test/suite.mjs").Suite} Suite */

const patterns = process.argv.slice(2);
const ready = await setUpOrExit();
const started = performance.now();
const base = {
  paths: checkout,
  node: ready.node,
  env: {
    ...withDependencies(checkout, process.env),
    CELL0_CORE_BIN: ready.coreBin,
    NATS_SERVER_BIN: ready.natsServerBin,
  },
};

process.on("SIGINT", stop).on("SIGTERM", stop);

/** @type {Suite[]} */
const checks = [
  check("lint (biome)", "biome", ["check", "--error-on-warnings", "."]),
  check("types (tsc)", "tsc", ["--noEmit"]),
  check("unused code (knip)", "knip", []),
  check("wire: lint (buf lint)", "buf", ["lint"]),
  breaking,
  generated,
];
const inRustCore = (/** @type {import("./test/suite.mjs").SuiteContext} */ { paths }) => paths.rustCore;
/** @type {Suite[]} */
const rustChecks = [
  check("Rust format (cargo fmt)", "cargo", ["fmt", "--check"], inRustCore),
  check(
    "Rust lint (clippy)",
    "cargo",
    ["clippy", "--locked", "--all-targets", "--", "-D", "warnings"],
    inRustCore,
  ),
];
const typescript = vitest(patterns);
const suites = patterns.length > 0 ? [typescript] : [...checks, ...rustChecks, typescript, cargoTest];
const sections = createSections(
  suites.map((suite) => suite.title),
  process.stdout,
  process.env,
);

/** @type {Map<Suite, import("./test/counts.mjs").Counts>} */
const results = new Map();
if (patterns.length === 0) {
  // cargo compiles while the quick checks run; the tests themselves, some of which measure
  // time, have the machine to themselves.
  await Promise.all([inOrder(checks), inOrder(rustChecks)]);
  await inOrder([typescript, cargoTest]);
} else {
  await inOrder([typescript]);
}
summarise();

/** @param {readonly Suite[]} list */
async function inOrder(list) {
  for (const suite of list) await perform(suite);
}

/** @param {Suite} suite */
async function perform(suite) {
  const section = sections[suites.indexOf(suite)];
  if (!section) throw new Error(`${suite.title} has no section`);
  const since = performance.now();
  const { counts, note } = await suite.run({ ...base, print: section.print });
  results.set(suite, counts);
  section.end(counts, note, performance.now() - since);
}

function summarise() {
  const paint = painter(process.stdout, process.env);
  const total = sum([...results.values()]);
  const shown = suites.flatMap((suite) => {
    const counts = results.get(suite);
    return counts === undefined ? [] : [`${verdict(counts, paint)}  ${suite.title}`];
  });
  console.log(
    `\n${paint("bold", "== summary")}  ${paint("dim", formatDuration(performance.now() - started))}`,
  );
  for (const line of shown) console.log(line);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** @param {NodeJS.Signals} signal */
async function stop(signal) {
  await endCommands();
  console.log(`\nended by ${signal}; not everything ran`);
  process.exit(130);
}
