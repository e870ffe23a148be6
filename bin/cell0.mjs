#!/usr/bin/env node
// The launcher: finds a Node that can run Cell 0 (26 or newer: this one, or the dependency
// `node`), goes over into it, and starts the command line there: from src/ in a checkout,
// from dist/ in a package. Runs on Node 20; knows nothing of any command.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const LEAST_NODE_MAJOR = 26;
/** Set in the process that was gone over into, so that a wrong binary cannot loop. */
const REEXECUTED = "CELL0_REEXECUTED";
const LEFT_OPEN_MS = 1_000;
const FORWARDED_SIGNALS = /** @type {const} */ (["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT"]);

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));

if (Number(process.versions.node.split(".")[0]) >= LEAST_NODE_MAJOR) {
  delete process.env[REEXECUTED];
  await startHere();
} else {
  goOver(findNode());
}

async function startHere() {
  // In the environment, so that the processes started from here on find the same cache.
  process.env.NODE_COMPILE_CACHE ??= join(cacheFolder(), "cell0-compile-cache");
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  const source = join(root, "src", "cli", "main.ts");
  const entry = existsSync(source) ? source : join(root, "dist", "cli", "main.js");
  if (!existsSync(entry)) {
    fail(
      "SETUP_NOT_BUILT",
      `${entry} is not there`,
      "install the package again, or run `npm run build` in a checkout",
    );
  }
  const { main } = await import(pathToFileURL(entry).href);
  process.exitCode = await main(process.argv.slice(2));
  // All has been said by now. A connection that was given up, to a broker that takes it and never says a
  // word, would keep the process.
  setTimeout(() => process.exit(), LEFT_OPEN_MS).unref();
}

/** Beside the installed packages where there is such a place, else below the temporary folder. */
function cacheFolder() {
  const modules = join(root, "node_modules");
  return existsSync(modules)
    ? join(modules, ".cache")
    : join(tmpdir(), `cell0-${process.getuid?.() ?? "user"}`);
}

function findNode() {
  const remedy = "run `npm rebuild node --ignore-scripts=false`, or use Node 26 or newer";
  if (process.env[REEXECUTED] !== undefined) {
    fail(
      "SETUP_NODE_RUNTIME_MISSING",
      `the dependency \`node\` is Node ${process.versions.node}, older than 26`,
      remedy,
    );
  }
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
    const binary = join(dirname(manifest), bin.node);
    if (existsSync(binary)) return binary;
  } catch {
    // Not installed: said below.
  }
  return fail(
    "SETUP_NODE_RUNTIME_MISSING",
    `this is Node ${process.versions.node}, and Node 26 is not installed`,
    remedy,
  );
}

/** @param {string} node */
function goOver(node) {
  const args = [...process.execArgv, self, ...process.argv.slice(2)];
  const env = { ...process.env, [REEXECUTED]: "1" };
  // Newer Nodes can become the other program; older ones stay its parent.
  if (typeof process.execve === "function") process.execve(node, [node, ...args], env);
  const child = spawn(node, args, { env, stdio: "inherit" });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => forward(child, signal));
  child.once("error", (error) =>
    fail("SETUP_NODE_RUNTIME_MISSING", `${node} does not start: ${error.message}`, "run `npm ci`"),
  );
  child.once("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
  });
}

/**
 * Ctrl-C on a terminal reaches the whole process group, the child among them: passing it on
 * would make one press look like two.
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function forward(child, signal) {
  const fromTerminal =
    signal === "SIGINT" && (process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY);
  if (!fromTerminal) child.kill(signal);
}

/**
 * @param {string} code
 * @param {string} what
 * @param {string} remedy
 * @returns {never}
 */
function fail(code, what, remedy) {
  process.stderr.write(`${code}: ${what}; what to do: ${remedy}\n`);
  process.exit(1);
}
