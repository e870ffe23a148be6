// Puts a program under what the system offers against it: an empty network of its
// own, a user that owns nothing, no new privileges, no capabilities, death with the
// node, small limits. What the system lacks weakens the bound, and is said with
// every use.
import type { Platform } from "../../../isolation/process/layers.ts";

export type Confinement = {
  /** Beginning of the command line; the program and its arguments follow. */
  readonly prefix: readonly string[];
  /** What is lacking, in words. */
  readonly lacking: readonly string[];
};

export type ConfinementNeeds = {
  /** Whether it is to have the node's network. */
  readonly network: boolean;
  /** Whether networks can be made here; found out by trying. */
  readonly canCutOff: boolean;
};

/** `nobody`, which owns nothing. */
const NOBODY = 65_534;
const MAX_OPEN_FILES = 256;
const MAX_FILE_BYTES = 1024 ** 3;

/** Pure. */
export function confinement(
  { name, isRoot, find }: Pick<Platform, "name" | "isRoot" | "find">,
  { network, canCutOff }: ConfinementNeeds,
): Confinement {
  const [unshare, prlimit, setpriv] = ["unshare", "prlimit", "setpriv"].map((program) =>
    name === "linux" ? find(program) : undefined,
  );
  const isCutOff = !network && canCutOff && unshare !== undefined;
  const isNobody = isRoot && setpriv !== undefined;
  return {
    prefix: [
      ...(isCutOff ? [unshare, ...NETWORK_FLAGS, "--"] : []),
      ...(prlimit === undefined ? [] : [prlimit, ...LIMIT_FLAGS, "--"]),
      ...(setpriv === undefined
        ? []
        : [setpriv, ...(isNobody ? NOBODY_FLAGS : []), ...PRIVILEGE_FLAGS, "--"]),
    ],
    lacking: [
      ...(network || isCutOff ? [] : ["it keeps the node's network"]),
      ...(setpriv === undefined ? ["it keeps the node's privileges"] : []),
      ...(isNobody ? [] : ["it runs as the node's user"]),
      ...(prlimit === undefined ? ["it has no resource limits"] : []),
    ],
  };
}

export const NETWORK_FLAGS = ["--net", "--ipc"] as const;
const LIMIT_FLAGS = ["--core=0", `--nofile=${MAX_OPEN_FILES}`, `--fsize=${MAX_FILE_BYTES}`] as const;
const NOBODY_FLAGS = [
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  "--clear-groups",
  "--inh-caps=-all",
  "--ambient-caps=-all",
  "--bounding-set=-all",
] as const;
/** The parent-death signal is set last: a change of user clears it. */
const PRIVILEGE_FLAGS = ["--no-new-privs", "--pdeathsig", "KILL"] as const;
