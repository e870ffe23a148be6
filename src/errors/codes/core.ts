import { defineErrors } from "../error-definition.ts";

/** The Rust core beside a node. */
export const coreErrors = defineErrors({
  CORE_MISSING: {
    title: "the Rust core is not there",
    cause: "Its socket does not exist, or nothing listens on it: the core has not started or has died.",
    remedy: "It is started again by itself; if it lasts, read log/core.log and run `cell0 doctor`.",
    retryable: true,
  },
  CORE_UNAVAILABLE: {
    title: "the connection to the Rust core was lost",
    cause: "The core ended, or does not serve yet.",
    remedy: "It is started again by itself; if it lasts, read log/core.log and run `cell0 doctor`.",
    retryable: true,
  },
  CORE_TIMEOUT: {
    title: "the Rust core did not answer in time",
    cause: "It is overloaded or stuck.",
    remedy: "Try again; if it lasts, read log/core.log.",
    retryable: true,
  },
  CORE_VERSION_MISMATCH: {
    title: "the Rust core is of another version",
    cause: "Node and core were not built from the same release.",
    remedy: "Build the core again (`npm start` does), or install the core of this version.",
    retryable: false,
  },
  CORE_SOCKET_PATH_TOO_LONG: {
    title: "the path of the core's socket is too long",
    cause: "The operating system limits the path of a Unix socket to about 100 bytes.",
    remedy: "Use a shorter `--data-dir`.",
    retryable: false,
  },
  CORE_REFUSED: {
    title: "the Rust core refused the request",
    cause: "The request breaks a limit or a rule of the core; its message says which.",
    remedy: "Correct the request.",
    retryable: false,
  },
  CORE_PROTOCOL_ERROR: {
    title: "the Rust core's answer makes no sense",
    cause: "Something else listens on its socket, or the core is faulty.",
    remedy: "See what listens there; build the core again.",
    retryable: false,
  },
});
