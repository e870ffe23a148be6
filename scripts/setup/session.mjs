// Set-up as npm start and npm test run it: its report on the screen, Ctrl-C, and the error
// as `code: what; what to do`.
import { endCommands } from "./command.mjs";
import { createReport, painter } from "./report.mjs";
import { setUp } from "./set-up.mjs";
import { SetupError } from "./setup-error.mjs";

const INTERRUPTED_EXIT_CODE = 130;

/**
 * Ends the process with a message when set-up fails or is interrupted.
 * @returns {Promise<import("./set-up.mjs").Ready>}
 */
export async function setUpOrExit() {
  const report = createReport();
  let interrupted = false;
  const interrupt = () => {
    if (!interrupted) report.line("  … stopping");
    interrupted = true;
    void endCommands();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const ready = await setUp(report);
    if (!interrupted) return ready;
    throw new SetupError("SETUP_INTERRUPTED");
  } catch (error) {
    report.close();
    if (interrupted) {
      printError(new SetupError("SETUP_INTERRUPTED"));
      process.exit(INTERRUPTED_EXIT_CODE);
    }
    if (!(error instanceof SetupError)) throw error;
    printError(error);
    process.exit(1);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    report.close();
  }
}

/** @param {SetupError} error */
function printError(error) {
  const paint = painter(process.stderr, process.env);
  const lines = ["", `${paint("red", error.code)}: ${error.message}`];
  for (const line of error.tail) lines.push(paint("dim", `    ${line}`));
  if (error.log !== undefined) lines.push(`  log: ${error.log}`);
  lines.push(`  what to do: ${error.remedy}`, "");
  process.stderr.write(lines.join("\n"));
}
