// Running other programs: quick probes for versions, and long commands whose output goes
// to a log file while its lines are handed on for progress.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** Lines kept in memory for the error message. */
const TAIL_LINES = 25;
const PROBE_TIMEOUT_MS = 20_000;
/** From asking a command to end until it is killed. */
const END_GRACE_MS = 2_000;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
let ended = false;

/**
 * Ends every command that is still running, with all that it started, and lets no other begin:
 * set-up failed or was interrupted. Resolves when they are gone.
 */
export async function endCommands() {
  ended = true;
  const gone = [...running].map((child) => once(child, "close"));
  for (const child of running) signalGroup(child, "SIGTERM");
  const late = setTimeout(() => {
    for (const child of running) signalGroup(child, "SIGKILL");
  }, END_GRACE_MS);
  await Promise.all(gone);
  clearTimeout(late);
}

/**
 * @param {import("node:child_process").ChildProcess} child the leader of its process group
 * @param {NodeJS.Signals} signal
 */
function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Its group is gone already.
  }
}

/**
 * The environment without node_modules/.bin on its PATH: npm puts it there, but what set-up
 * calls (npm, above all) must not run on a Node that npm is about to replace.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutLocalBin(env) {
  const path = (env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => !/node_modules[/\\]\.bin[/\\]?$/.test(entry));
  return { ...env, PATH: path.join(delimiter) };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} folder
 * @returns {NodeJS.ProcessEnv}
 */
export function withBin(env, folder) {
  return { ...env, PATH: [folder, env.PATH ?? ""].join(delimiter) };
}

/**
 * What a program prints, or undefined when it is not there, fails or takes too long.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>}
 */
export function probe(command, args, env) {
  return new Promise((resolve) => {
    const shell = process.platform === "win32" && command === "npm";
    const options = { env, timeout: PROBE_TIMEOUT_MS, shell, encoding: /** @type {const} */ ("utf8") };
    const child = execFile(command, [...args], options, (error, stdout) => {
      resolve(error ? undefined : stdout.trim());
    });
    child.stdin?.end();
  });
}

/**
 * @typedef {object} Outcome
 * @property {number} code the exit code; 127 when the program could not be started
 * @property {string} log the file with its whole output
 * @property {string[]} tail its last lines
 * @property {boolean} ended it did not fail by itself: `endCommands` was called
 */

/**
 * Runs a command to its end. Never throws for a failing one.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, log: string, onLine?: (line: string) => void }} options
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { cwd, env, log, onLine }) {
  if (ended) return Promise.resolve({ code: 1, log, tail: [], ended });
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  file.write(`$ ${command} ${args.join(" ")}\n`);
  /** @type {string[]} */
  const tail = [];
  /** @param {string} line */
  const keep = (line) => {
    file.write(`${line}\n`);
    if (line.trim() !== "") tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    onLine?.(line);
  };
  return new Promise((resolve) => {
    const shell = process.platform === "win32" && command === "npm";
    const child = spawn(command, args, {
      cwd,
      env,
      shell,
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    running.add(child);
    createInterface({ input: child.stdout }).on("line", keep);
    createInterface({ input: child.stderr }).on("line", keep);
    /** @param {number} code */
    const finish = (code) => {
      running.delete(child);
      file.end(() => resolve({ code, log, tail, ended }));
    };
    child.once("error", (error) => {
      keep(error.message);
      finish(127);
    });
    child.once("close", (code) => finish(code ?? 1));
  });
}

/**
 * Every place on PATH where a program of that name may lie.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
export function candidatesOnPath(name, env) {
  return (env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => entry !== "")
    .map((entry) => join(entry, name));
}
