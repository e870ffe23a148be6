// Puts a program under what the system offers against it: no new privileges, no
// capabilities, death with the node, small limits, and, where the node runs as
// root, a user that owns nothing. What is missing weakens the bound and is told by
// `confinement()`.
import { existsSync } from "node:fs";

export type Confinement = {
  /** Beginning of the command line; the program and its arguments follow. */
  readonly prefix: readonly string[];
  /** What holds, in words. */
  readonly bounds: readonly string[];
};

export type Machine = {
  readonly platform: string;
  /** Of this process; undefined where there are none. */
  readonly uid: number | undefined;
  readonly has: (file: string) => boolean;
};

export const thisMachine: Machine = {
  platform: process.platform,
  uid: process.getuid?.(),
  has: existsSync,
};

const SETPRIV = "/usr/bin/setpriv";
const PRLIMIT = "/usr/bin/prlimit";
/** `nobody`, which owns nothing. */
const NOBODY = 65_534;
const MAX_OPEN_FILES = 256;
const MAX_FILE_BYTES = 1024 ** 3;

/** Pure. */
export function confinement({ platform, uid, has }: Machine): Confinement {
  const prefix: string[] = [];
  const bounds: string[] = ["process group killed at the end"];
  if (platform === "linux" && has(PRLIMIT)) {
    prefix.push(PRLIMIT, "--core=0", `--nofile=${MAX_OPEN_FILES}`, `--fsize=${MAX_FILE_BYTES}`, "--");
    bounds.push("limits on files");
  }
  if (platform === "linux" && has(SETPRIV)) {
    prefix.push(SETPRIV, "--no-new-privs", "--pdeathsig", "KILL");
    bounds.push("no new privileges", "death with the node");
    if (uid === 0) {
      prefix.push(
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
      );
      bounds.push("user nobody", "no capabilities");
    }
    prefix.push("--");
  }
  return { prefix, bounds };
}
